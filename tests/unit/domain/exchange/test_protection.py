from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.exchange.protection import LimitBand, Protection, reference_paise
from angel_x.domain.quotes.quote import QUOTE
from config.market import table

PROTECTION = Protection.from_table(table("price_bands"))
TODAY = date(2026, 11, 23)
LIMIT_BAND = PROTECTION.limit_orders.on(TODAY)
MARKET_BAND = PROTECTION.market_orders.on(TODAY)
TICK = 5


def bounds(reference: int) -> tuple[int, int]:
    lowest, highest = LIMIT_BAND.bounds(np.array([reference]), np.array([TICK]))
    return int(lowest[0]), int(highest[0])


def limits(reference: int) -> tuple[int, int]:
    both = MARKET_BAND.limits(
        np.array([reference] * 2), np.array([TICK] * 2), np.array([False, True])
    )
    return int(both[0]), int(both[1])


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        # Twenty rupees up to a premium of fifty.
        (3_000, (1_000, 5_000)),
        (5_000, (3_000, 7_000)),
        # Forty percent above, rounded to the tick inward.
        (5_005, (3_005, 7_005)),
        (10_000, (6_000, 14_000)),
        (12_340, (7_405, 17_275)),
    ],
)
def test_the_exchange_takes_limits_within_a_band(reference: int, expected: tuple[int, int]) -> None:
    assert bounds(reference) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (995, (950, 1_040)),
        (1_000, (970, 1_030)),
        (9_995, (9_700, 10_290)),
        (10_000, (9_800, 10_200)),
        (49_995, (49_000, 50_990)),
        (50_000, (49_500, 50_500)),
        # Two ticks at least, and never below one.
        (50, (40, 60)),
        (5, (5, 15)),
    ],
)
def test_an_order_at_market_stops_by_its_slab(reference: int, expected: tuple[int, int]) -> None:
    assert limits(reference) == expected


@given(st.integers(1, 40_000))
def test_bounds_lie_on_ticks_and_around_the_reference(ticks: int) -> None:
    reference = ticks * TICK
    for lowest, highest in (bounds(reference), limits(reference)):
        assert lowest <= reference <= highest
        assert lowest % TICK == highest % TICK == 0
    assert limits(reference)[0] >= TICK


def test_no_rule_is_known_before_the_first() -> None:
    with pytest.raises(LookupError, match="2022-10-30"):
        PROTECTION.limit_orders.on(date(2022, 10, 30))


def test_the_reference_is_the_last_trade_then_the_middle_then_what_there_is() -> None:
    quotes = np.zeros(5, QUOTE)
    quotes["last"] = [100, 0, 0, 0, 0]
    quotes["bid"] = [1, 100, 100, 0, 0]
    quotes["ask"] = [2, 110, 0, 110, 0]

    assert reference_paise(quotes).tolist() == [100, 105, 100, 110, 0]


@pytest.mark.parametrize(
    ("reference", "expected"), [(5_000, (4_000, 6_000)), (5_005, (3_005, 7_005))]
)
def test_a_premium_at_the_end_of_the_low_ones_is_still_low(
    reference: int, expected: tuple[int, int]
) -> None:
    band = LimitBand(low_premium_paise=5_000, low_band_paise=1_000, band_basis_points=4_000)

    lowest, highest = band.bounds(np.array([reference]), np.array([TICK]))

    assert (int(lowest[0]), int(highest[0])) == expected


def test_one_paisa_is_a_reference() -> None:
    quotes = np.zeros(3, QUOTE)
    quotes["last"] = [1, 0, 0]
    quotes["bid"] = [100, 1, 3]
    quotes["ask"] = [110, 3, 1]

    assert reference_paise(quotes).tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (2_410_000, (2_361_800, 2_458_200)),
        (1_000_000, (980_000, 1_020_000)),
        (900_000, (880_000, 920_000)),
    ],
)
def test_the_band_of_a_future_is_two_percent_and_at_least_200_rupees(
    reference: int, expected: tuple[int, int]
) -> None:
    band = PROTECTION.limit_orders_in_futures.on(TODAY)

    lowest, highest = band.bounds(np.array([reference]), np.array([10]))

    assert (int(lowest[0]), int(highest[0])) == expected
