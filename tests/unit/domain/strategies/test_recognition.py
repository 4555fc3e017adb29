"""Names of strategies in the legs of a book."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.strategies.leg import OptionLeg, legs_of
from angel_x.domain.strategies.recognition import recognize
from angel_x.domain.strategies.strategy import SHAPES

NEAR, FAR = "NIFTY_25AUG26", "NIFTY_29SEP26"


def legs(*written: str) -> list[OptionLeg]:
    """Return legs such as ``+65 24000CE`` of the near expiry, or ``-65 far 24000CE``."""
    return legs_of(_holding(text) for text in written)


def _holding(text: str) -> tuple[str, int]:
    units, *when, contract = text.split()
    return f"{FAR if when else NEAR}_{contract}", int(units)


CASES = {
    "long straddle": ["+65 24000CE", "+65 24000PE"],
    "short strangle": ["-65 24500CE", "-65 23500PE"],
    "long guts": ["+65 23500CE", "+65 24500PE"],
    "long bull_call_spread": ["+65 24000CE", "-65 24200CE"],
    "short bear_call_spread": ["-65 24000CE", "+65 24200CE"],
    "short bull_put_spread": ["+65 23800PE", "-65 24000PE"],
    "long bear_put_spread": ["-65 23800PE", "+65 24000PE"],
    "short call_ratio_spread": ["+65 24000CE", "-130 24200CE"],
    "short put_ratio_spread": ["+130 24000PE", "-195 23800PE"],
    "long call_backspread": ["-65 24000CE", "+130 24200CE"],
    "long put_backspread": ["-65 24000PE", "+195 23800PE"],
    "long call_butterfly": ["+65 23900CE", "-130 24000CE", "+65 24100CE"],
    "short put_butterfly": ["-65 23900PE", "+130 24000PE", "-65 24100PE"],
    "short iron_butterfly": ["+65 23900PE", "-65 24000PE", "-65 24000CE", "+65 24100CE"],
    "long call_condor": ["+65 23800CE", "-65 23900CE", "-65 24100CE", "+65 24200CE"],
    "long put_condor": ["+65 23800PE", "-65 23900PE", "-65 24100PE", "+65 24300PE"],
    "short iron_condor": ["+65 23500PE", "-65 23700PE", "-65 24300CE", "+65 24500CE"],
    "long call_calendar": ["-65 24000CE", "+65 far 24000CE"],
    "short put_calendar": ["+65 24000PE", "-65 far 24000PE"],
    "long call_diagonal": ["-65 24300CE", "+65 far 24000CE"],
    "long put_diagonal": ["-65 23800PE", "+65 far 24000PE"],
    "long box": ["+65 23800CE", "-65 24200CE", "-65 23800PE", "+65 24200PE"],
    "short synthetic_future": ["-65 24000CE", "+65 24000PE"],
    "long risk_reversal": ["-65 23800PE", "+65 24200CE"],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("lots", [1, 7])
def test_each_strategy_is_known_by_its_name_in_any_order_and_size(name: str, lots: int) -> None:
    held = [
        OptionLeg.of(leg.symbol, leg.quantity * lots)
        for leg in legs(*random.Random(lots).sample(CASES[name], len(CASES[name])))
    ]

    found = recognize(held)

    assert [f"{s.direction} {s.name}" for s in found.strategies] == [name]
    assert set(found.strategies[0].legs) == set(held)
    assert found.strategies[0].quantity == 65 * lots
    assert found.rest == ()


def test_every_name_has_a_case() -> None:
    assert {name.split()[1] for name in CASES} == {name.value for name in SHAPES}


def test_strategies_of_two_expiries_and_underlyings_are_kept_apart() -> None:
    held = legs(*CASES["short iron_condor"], "-65 far 24500CE", "-65 far 23500PE")
    held += legs_of([("SENSEX_27AUG26_81000CE", 20), ("SENSEX_27AUG26_81000PE", 20)])

    found = recognize(held)

    assert [(s.name, s.underlying) for s in found.strategies] == [
        ("iron_condor", "NIFTY"), ("strangle", "NIFTY"), ("straddle", "SENSEX"),
    ]  # fmt: skip
    assert found.rest == ()


def test_units_that_no_strategy_needs_are_left_over() -> None:
    found = recognize(legs("-195 24000CE", "-65 24000PE", "+65 24500CE"))

    assert [(s.name, s.quantity) for s in found.strategies] == [
        ("straddle", 65), ("bear_call_spread", 65),
    ]  # fmt: skip
    assert [(leg.symbol, leg.quantity) for leg in found.rest] == [(f"{NEAR}_24000CE", -65)]


def test_a_butterfly_of_uneven_wings_is_two_spreads() -> None:
    found = recognize(legs("+65 23900CE", "-130 24000CE", "+65 24300CE"))

    assert [s.name for s in found.strategies] == ["bull_call_spread", "bear_call_spread"]


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([NEAR, FAR]), st.integers(0, 5), st.sampled_from(["CE", "PE"])),
        st.integers(-4, 4).filter(bool),
        max_size=12,
    )
)
def test_strategies_and_rest_are_the_book(book: dict[tuple[str, int, str], int]) -> None:
    held = legs_of((f"{e}_{24000 + 100 * k}{r}", 65 * n) for (e, k, r), n in book.items())

    found = recognize(held)

    units: dict[str, int] = {}
    for leg in (*found.rest, *(leg for s in found.strategies for leg in s.legs)):
        units[leg.symbol] = units.get(leg.symbol, 0) + leg.quantity
        assert leg.quantity % 65 == 0
    assert units == {leg.symbol: leg.quantity for leg in held}
