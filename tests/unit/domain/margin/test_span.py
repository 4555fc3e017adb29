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
