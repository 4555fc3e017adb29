"""Scan ranges by underlying and by the time that is left."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from angel_x.domain.margin.span import span_table
from config.market import table

SPAN = span_table(table("margin")["span"]).on(date(2026, 11, 23))


@pytest.mark.parametrize(
    ("is_index", "years", "price", "volatility"),
    [
        (True, 0.0, 0.093, 0.04),
        # An option of exactly nine months is not yet one of more.
        (True, 0.75, 0.093, 0.04),
        (True, 0.7501, 0.177, 0.04),
        (False, 0.75, 0.142, 0.10),
        (False, 0.7501, 0.177, 0.10),
    ],
)
def test_options_of_more_than_nine_months_are_scanned_further(
    *, is_index: bool, years: float, price: float, volatility: float
) -> None:
    prices, volatilities = SPAN.scan_ranges(np.array([is_index]), np.array([years]))

    assert (prices.tolist(), volatilities.tolist()) == ([price], [volatility])


def test_an_underlying_that_is_no_index_is_a_stock_and_nobody_may_say_otherwise() -> None:
    answer = SPAN.are_indices(["NIFTY", "RELIANCE", "SENSEX"])

    assert answer.tolist() == [True, False, True]
    with pytest.raises(ValueError, match="read-only"):
        answer[1] = True


def test_the_scan_range_follows_the_volatility_above_its_floor() -> None:
    span = table("margin")["span"]
    calm, wild = (
        {**span["scenarios"][0], "from": day, "daily_volatility_percents": {"NIFTY": daily}}
        for day, daily in (("2026-01-01", "1"), ("2026-02-01", "1.5"))
    )
    parameters = span_table({**span, "scenarios": [calm, wild]})

    def price_ranges(day: date) -> list[float]:
        of_day = parameters.on(day)
        moves = of_day.least_moves(["NIFTY", "SENSEX"])
        prices, _ = of_day.scan_ranges(np.array([True, True]), np.zeros(2), moves)
        return [float(price) for price in prices]

    assert price_ranges(date(2026, 1, 31)) == [0.093, 0.093]
    # Six times 1.5 % times the root of two.
    assert price_ranges(date(2026, 2, 1)) == [pytest.approx(0.12728, abs=1e-5), 0.093]
