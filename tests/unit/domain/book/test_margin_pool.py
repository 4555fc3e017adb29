"""How what is held follows a book."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.margin_pool import Change, MarginPool, MarginPools, Shift
from angel_x.domain.margin.losses import Losses
from angel_x.domain.margin.unit_risk import RiskSheet, UnitRisk, to_rupees, unknown_risk
from angel_x.domain.values.money import ZERO
from tests.builders.risk_units import FAR, NEAR, naive_requirement, option

LOT = 65
UNITS = {
    f"NIFTY_{name}_{strike}{right}": option(strike, right, expiry)
    for strike in (23_700, 24_000, 24_300)
    for right in ("CE", "PE")
    for name, expiry in (("25AUG26", NEAR), ("29SEP26", FAR))
}
SHORT, HEDGE, OTHER = "NIFTY_25AUG26_24000CE", "NIFTY_25AUG26_24300CE", "NIFTY_29SEP26_24000PE"
SYMBOLS = sorted(UNITS)


def sheet(symbols: Collection[str], factor: int = 1) -> RiskSheet:
    """Every loss and value times ``factor``, as if the market had become as much wilder."""
    return {
        s: UnitRisk(
            u.expiry,
            u.source,
            Losses(x * factor for x in u.losses),
            u.mark * factor,
            u.charge,
            u.spread,
        )
        for s, u in UNITS.items()
        if s in symbols
    }


def pool(held: Decimal = ZERO, factor: int = 1, **quantities: int) -> MarginPool:
    units = sheet(SYMBOLS, factor)
    made = MarginPool(held, units.__getitem__)
    for symbol, quantity in quantities.items():
        made.add(symbol, Change(quantity))
    return made


def shift(pool: MarginPool, symbol: str, units: int) -> Shift:
    return pool.shift(symbol, Change(units))


def needs(book: dict[str, int], factor: int = 1) -> Decimal:
    held = {s: q for s, q in book.items() if q}
    return to_rupees(naive_requirement(sheet(SYMBOLS, factor), held)) if held else ZERO


def test_a_change_of_the_book_marks_what_is_held_to_the_market() -> None:
    it = pool(needs({SHORT: -2 * LOT}), 3, **{SHORT: -2 * LOT})

    done = shift(it, SHORT, LOT)

    assert it.held == needs({SHORT: -LOT}, 3)
    assert done.cost == it.held - needs({SHORT: -2 * LOT})
    assert done.rise == needs({SHORT: -LOT}, 3) - needs({SHORT: -2 * LOT}, 3)


def test_without_arrays_the_held_margin_stays_until_nothing_is_short() -> None:
    it = MarginPool(Decimal(900), {SHORT: unknown_risk(NEAR)}.__getitem__)
    it.add(SHORT, Change(-3))

    partly = shift(it, SHORT, 1)
    assert (it.held, partly.cost, partly.is_known) == (Decimal(900), ZERO, False)
    closed = shift(it, SHORT, 2)

    assert (it.held, closed.cost, closed.is_known) == (ZERO, Decimal(-900), True)


def test_a_hedge_lowers_what_is_held_and_selling_it_raises_it_again() -> None:
    it = pool()
    naked = shift(it, SHORT, -LOT).cost

    assert shift(it, HEDGE, LOT).cost < -naked / 2
    assert it.unhedged() == naked
    assert shift(it, HEDGE, -LOT).cost > naked / 2
    assert it.held == naked


STEPS_OF_A_BOOK = st.lists(
    st.tuples(st.sampled_from(SYMBOLS), st.integers(-3, 3)), min_size=1, max_size=12
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(STEPS_OF_A_BOOK, st.randoms(use_true_random=False))
def test_while_the_market_stands_still_what_is_held_is_what_is_needed_in_any_order(
    steps: list[tuple[str, int]], random: st.DataObject
) -> None:
    it, book = pool(), dict.fromkeys(SYMBOLS, 0)
    for symbol, lots in steps:
        shift(it, symbol, lots * LOT)
        book[symbol] += lots * LOT
        assert it.held == needs(book)
    shuffled = sorted(steps, key=lambda _: random.random())  # type: ignore[attr-defined]
    other = pool()
    for symbol, lots in shuffled:
        shift(other, symbol, lots * LOT)

    assert other.held == it.held


@settings(max_examples=200, deadline=None, derandomize=True)
@given(STEPS_OF_A_BOOK, st.lists(st.integers(1, 4), min_size=12, max_size=12))
def test_whatever_the_market_does_the_requirement_of_now_is_held(
    steps: list[tuple[str, int]], factors: list[int]
) -> None:
    book: dict[str, int] = dict.fromkeys(SYMBOLS, 0)
    held = ZERO
    for (symbol, lots), factor in zip(steps, factors, strict=False):
        it = pool(held, factor, **book)
        done = shift(it, symbol, lots * LOT)
        book[symbol] += lots * LOT
        held = it.held
        assert held == needs(book, factor) >= 0
        assert (held == 0) == (min(book.values()) >= 0)
        if lots < 0 and len({UNITS[s].expiry for s, q in book.items() if q}) == 1:
            assert done.rise >= 0


@settings(max_examples=100, deadline=None, derandomize=True)
@given(STEPS_OF_A_BOOK, st.sampled_from(SYMBOLS), st.integers(-3, 3))
def test_a_shift_that_is_undone_was_never_there(
    steps: list[tuple[str, int]], symbol: str, lots: int
) -> None:
    it = pool()
    for one, many in steps:
        shift(it, one, many * LOT)
    before = it.held, it.requirement(), it.unhedged()

    it.undo(shift(it, symbol, lots * LOT))

    assert (it.held, it.requirement(), it.unhedged()) == before


@pytest.mark.parametrize(
    ("book", "symbol", "units"),
    [
        ({SHORT: -LOT}, OTHER, -LOT),
        ({SHORT: -LOT}, OTHER, LOT),
        ({OTHER: -LOT}, SHORT, -LOT),
        ({SHORT: -LOT, OTHER: LOT}, OTHER, -LOT // 5),
        ({}, OTHER, -LOT),
    ],
)
def test_one_contract_without_an_array_makes_the_requirement_unknown(
    book: dict[str, int], symbol: str, units: int
) -> None:
    risks = {**UNITS, OTHER: unknown_risk(FAR)}
    it = MarginPool(Decimal(900), risks.__getitem__)
    for name, quantity in book.items():
        it.add(name, Change(quantity))

    done = shift(it, symbol, units)

    assert (done.is_known, done.cost, it.held) == (False, ZERO, Decimal(900))
    assert it.lower() == 0


def test_a_shift_into_a_contract_without_an_array_can_be_undone() -> None:
    it = MarginPool(ZERO, {**UNITS, OTHER: unknown_risk(FAR)}.__getitem__)

    it.undo(shift(it, OTHER, -LOT))

    assert it.is_known
    assert shift(it, SHORT, -LOT).cost == needs({SHORT: -LOT})


def test_a_book_without_shorts_needs_nothing_with_or_without_arrays() -> None:
    it = MarginPools().of(1, "NIFTY", [Exposure(1, HEDGE, 2 * LOT)])

    assert shift(it, HEDGE, -LOT)[2:] == (ZERO, ZERO, ZERO, True, True)


def test_a_pool_is_made_of_the_open_contracts_of_its_account_and_underlying() -> None:
    exposures = [
        Exposure(1, SHORT, 0, 0, LOT),
        Exposure(1, HEDGE, LOT),
        Exposure(2, SHORT, -LOT),
        Exposure(1, "BANKNIFTY_25AUG26_50000CE", -LOT),
    ]
    pools = MarginPools({}, sheet({SHORT, HEDGE}), {SHORT, HEDGE})

    needed = pools.of(1, "NIFTY", exposures).requirement().total

    assert needed == naive_requirement(UNITS, {SHORT: -LOT, HEDGE: LOT})
    assert pools.held() == {}


@pytest.mark.parametrize("order", list(permutations([(SHORT, -1), (HEDGE, 1), (OTHER, -1)])))
def test_the_legs_of_a_book_may_come_in_any_order(
    order: tuple[tuple[str, int], ...],
) -> None:
    it = pool()
    for symbol, lots in order:
        shift(it, symbol, lots * LOT)

    assert it.held == needs({SHORT: -LOT, HEDGE: LOT, OTHER: -LOT})
