from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.strategies.leg import FutureLeg, Leg, OptionLeg, futures_of
from angel_x.domain.strategies.payoff import payoff, pnl_at_expiry


def leg(contract: str, units: int) -> OptionLeg:
    return OptionLeg.of(f"NIFTY_25AUG26_{contract}", units)


def future(units: int) -> FutureLeg:
    (found,) = futures_of([("NIFTY_25AUG26_FUT", units)])
    return found


@pytest.mark.parametrize(
    ("legs", "cost", "profit", "loss", "zeros"),
    [
        # A future at 24,100, alone and with a put of 100 a unit that protects it.
        ([future(65)], 1_566_500, None, -1_566_500, [24100]),
        ([future(-65)], -1_566_500, 1_566_500, None, [24100]),
        ([future(65), leg("24000PE", 65)], 1_573_000, None, -13_000, [24200]),
        # A short straddle at 300 a unit.
        ([leg("24000CE", -65), leg("24000PE", -65)], -19500, 19500, None, [23700, 24300]),
        # A bull call spread of 200 for 80.
        ([leg("24000CE", 65), leg("24200CE", -65)], 5200, 7800, -5200, [24080]),
        # An iron condor of 200 wide wings for 60.
        (
            [leg("23500PE", 65), leg("23700PE", -65), leg("24300CE", -65), leg("24500CE", 65)],
            -3900, 3900, -9100, [23640, 24360],
        ),
        ([leg("24000CE", 65)], 6500, None, -6500, [24100]),
        # A box earns the same everywhere.
        (
            [leg("23800CE", 65), leg("24200CE", -65), leg("23800PE", -65), leg("24200PE", 65)],
            25000, 1000, 1000, [],
        ),
    ],
)  # fmt: skip
def test_extremes_and_zeros_of_known_strategies(
    legs: list[Leg], cost: int, profit: int | None, loss: int | None, zeros: list[int]
) -> None:
    found = payoff(legs, Decimal(cost))

    assert (found.max_profit, found.max_loss) == (profit, loss)
    assert list(found.breakevens) == zeros


@given(
    st.dictionaries(
        st.tuples(st.integers(1, 6), st.sampled_from(["CE", "PE"])), st.integers(-3, 3), min_size=1
    ),
    st.integers(-50_000, 50_000),
    st.integers(0, 40_000),
)
def test_no_closing_value_is_beyond_the_extremes_and_zeros_are_zeros(
    book: dict[tuple[int, str], int], cost: int, spot: int
) -> None:
    legs = [leg(f"{4000 * k}{right}", 65 * n) for (k, right), n in book.items()]

    found = payoff(legs, Decimal(cost))
    here = pnl_at_expiry(legs, Decimal(cost), Decimal(spot))

    assert found.max_profit is None or here <= found.max_profit
    assert found.max_loss is None or here >= found.max_loss
    # A zero is rounded to the paisa, and a leg moves by three lots a rupee at most.
    slope = sum(abs(x.quantity) for x in legs)
    zeros = [pnl_at_expiry(legs, Decimal(cost), zero) for zero in found.breakevens]
    assert all(abs(zero) <= slope * Decimal("0.01") for zero in zeros)
