from __future__ import annotations

import numpy as np
import pytest

from angel_x.domain.quotes.quote import QUOTE, fresh, mid_paise


def quotes(*rows: tuple[int, int, int, int]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Quotes of time, bid, ask and last."""
    made = np.zeros(len(rows), QUOTE)
    for row, (time, bid, ask, last) in enumerate(rows):
        made[row] = (time, bid, ask, last, 0, 0, 0, 0)
    return made


def test_a_quote_is_forty_four_bytes_in_every_process() -> None:
    assert QUOTE.itemsize == 44
    assert all(QUOTE[name].byteorder in "<=" for name in QUOTE.fields or ())


@pytest.mark.parametrize(
    ("bid", "ask", "last", "mark"),
    [
        (100, 110, 90, 105.0),
        (100, 105, 0, 102.5),
        (100, 100, 90, 100.0),
        (110, 100, 90, 90.0),
        (110, 100, 105, 105.0),
        (110, 100, 120, 120.0),
        (0, 0, 90, 90.0),
        (1, 0, 1, 1.0),
        (0, 1, 1, 1.0),
        (0, 100, 90, 90.0),
        (0, 100, 110, 100.0),
        (100, 0, 110, 110.0),
        (100, 0, 90, 100.0),
    ],
)
def test_the_mark_is_the_middle_else_the_last_price_no_farther_than_a_side_that_stands(
    bid: int, ask: int, last: int, mark: float
) -> None:
    assert mid_paise(quotes((1, bid, ask, last))).tolist() == [mark]


def test_without_any_price_there_is_no_mark() -> None:
    assert np.isnan(mid_paise(quotes((0, 0, 0, 0), (1, 0, 10, 0)))).all()


def test_the_middle_of_large_prices_does_not_overflow() -> None:
    largest = 2**31 - 1

    assert mid_paise(quotes((1, largest, largest, 0))).tolist() == [float(largest)]


def test_a_quote_is_fresh_up_to_its_age_and_never_without_a_time() -> None:
    now = 1_000_000
    rows = quotes((0, 1, 2, 1), (now, 1, 2, 1), (now - 5_000, 1, 2, 1), (now - 5_001, 1, 2, 1))

    assert fresh(rows, now, 5).tolist() == [False, True, True, False]


def test_a_quote_from_a_clock_that_is_far_ahead_is_not_fresh() -> None:
    now = 1_000_000
    rows = quotes((now + 5_000, 1, 2, 1), (now + 5_001, 1, 2, 1))

    assert fresh(rows, now, 5).tolist() == [True, False]


def test_a_quote_without_a_time_is_not_fresh_even_in_the_first_seconds() -> None:
    rows = quotes((0, 1, 2, 1), (1, 1, 2, 1))

    assert fresh(rows, 1_000, 5).tolist() == [False, True]
