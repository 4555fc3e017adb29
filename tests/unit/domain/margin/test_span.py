"""Scan ranges by underlying and by the time that is left."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from angel_x.domain.margin.span import SpanParameters, span_table
from angel_x.domain.values.dated import Dated
from config.market import table

SPAN = span_table(table("margin"), table("volatility")).on(date(2026, 11, 23))


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


def followed(daily: dict[str, dict[str, str]]) -> Dated[SpanParameters]:
    """Return the parameters with daily volatilities in percent, by underlying and day."""
    rows = {
        name: [{"from": day, "percent": percent} for day, percent in by_day.items()]
        for name, by_day in daily.items()
    }
    return span_table(table("margin"), {"max_age_days": 7, "daily": rows})


def ranges(spans: Dated[SpanParameters], day: date, underlying: str) -> list[float]:
    """Return the price and the volatility scan range of a near option."""
    span = spans.on(day)
    is_index, daily = span.are_indices([underlying]), span.daily_volatilities([underlying])
    return [float(each[0]) for each in span.scan_ranges(is_index, np.zeros(1), daily)]


def test_the_scan_ranges_follow_the_volatility_of_the_day_above_their_floors() -> None:
    spans = followed(
        {"NIFTY": {"2026-01-30": "0.8", "2026-02-01": "1.5"}, "RELIANCE": {"2026-02-01": "3"}}
    )

    assert ranges(spans, date(2026, 1, 31), "NIFTY") == [0.093, 0.04]
    # Six times 1.5 % times the root of two, and a quarter of 1.5 % times the root of 365.
    wild = ranges(spans, date(2026, 2, 1), "NIFTY")
    assert wild == pytest.approx([0.1272792, 0.0716437], abs=1e-7)
    assert ranges(spans, date(2026, 2, 1), "SENSEX") == [0.093, 0.04]
    stock = ranges(spans, date(2026, 2, 1), "RELIANCE")
    assert stock == pytest.approx([0.2545584, 0.1432873], abs=1e-7)


def test_a_volatility_counts_for_as_many_days_as_the_table_says_and_no_scan_range_is_known_later() -> (
    None
):
    spans = followed({"NIFTY": {"2026-02-02": "0.8"}})

    # No row has come into force yet, so the floors apply.
    assert ranges(spans, date(2026, 2, 1), "NIFTY") == [0.093, 0.04]
    assert ranges(spans, date(2026, 2, 9), "NIFTY") == [0.093, 0.04]
    assert np.isnan(ranges(spans, date(2026, 2, 10), "NIFTY")).all()
    assert ranges(spans, date(2026, 2, 10), "SENSEX") == [0.093, 0.04]
