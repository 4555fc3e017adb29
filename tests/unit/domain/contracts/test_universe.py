from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from random import Random
from weakref import ref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.contracts.contract import Contract, Right, format_symbol
from angel_x.domain.contracts.listed_chain import gathered
from angel_x.domain.contracts.universe import Universe
from angel_x.errors import InvalidInput
from tests.builders.chains import EXPIRIES, make_contract, make_universe
from tests.builders.markets import factory_on

UNIVERSE = make_universe(("NIFTY", "BANKNIFTY"), strikes=(24_000, 23_900))


def test_rows_are_sorted_by_underlying_expiry_strike_and_call_before_put() -> None:
    assert UNIVERSE.symbols[:5] == (
        "BANKNIFTY_25AUG26_23900CE",
        "BANKNIFTY_25AUG26_23900PE",
        "BANKNIFTY_25AUG26_24000CE",
        "BANKNIFTY_25AUG26_24000PE",
        "BANKNIFTY_01SEP26_23900CE",
    )
    assert UNIVERSE.underlyings == ("BANKNIFTY", "NIFTY")


def test_strikes_are_sorted_as_numbers() -> None:
    universe = make_universe(strikes=(10_000, 9_000))

    assert universe.strike[:4].tolist() == [9_000, 9_000, 10_000, 10_000]


def test_a_symbol_leads_to_its_row_and_an_unknown_one_to_none() -> None:
    for row, symbol in enumerate(UNIVERSE.symbols):
        assert UNIVERSE.row(symbol) == row
    assert UNIVERSE.row("NIFTY_25AUG26_1CE") is None


def test_a_chain_is_the_rows_of_one_underlying_and_expiry() -> None:
    chains = [(c.underlying, c.expiry, c.start, c.stop) for c in UNIVERSE.chains]

    assert chains == [
        ("BANKNIFTY", date(2026, 8, 25), 0, 4),
        ("BANKNIFTY", date(2026, 9, 1), 4, 8),
        ("NIFTY", date(2026, 8, 25), 8, 12),
        ("NIFTY", date(2026, 9, 1), 12, 16),
    ]
    assert UNIVERSE.chain_index.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4


def test_columns_say_what_the_contracts_say() -> None:
    assert len(UNIVERSE.contracts) == len(UNIVERSE) > 2
    for row, contract in enumerate(UNIVERSE.contracts):
        assert UNIVERSE.underlyings[UNIVERSE.underlying_index[row]] == contract.underlying
        assert UNIVERSE.strike[row] == float(contract.strike)
        assert UNIVERSE.is_call[row] == (contract.right == "CE")
        assert UNIVERSE.lot_size[row] == contract.lot_size
        assert UNIVERSE.tick_paise[row] == 5
        assert UNIVERSE.expires_at[row] == contract.expires_at.timestamp()


def test_columns_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        UNIVERSE.strike[0] = 1.0


def test_the_version_does_not_depend_on_the_order() -> None:
    contracts = list(UNIVERSE.contracts)
    Random(1).shuffle(contracts)

    assert Universe(contracts).version == UNIVERSE.version
    assert len(UNIVERSE.version) == 16


def test_the_version_depends_on_every_rule_of_a_contract() -> None:
    first, *others = UNIVERSE.contracts
    changed = [
        replace(first, lot_size=75),
        replace(first, tick_size=Decimal("0.10")),
        replace(first, freeze_quantity=900),
        replace(first, expires_at=first.expires_at + timedelta(minutes=10)),
    ]

    versions = {Universe([c, *others]).version for c in changed}

    assert len(versions | {UNIVERSE.version, Universe(others).version}) == 6


def test_an_empty_universe_has_no_rows() -> None:
    empty = Universe([])

    assert (len(empty), empty.chains, empty.underlyings) == (0, (), ())
    assert np.array_equal(empty.strike, [])


@st.composite
def contract_lists(draw: st.DrawFn) -> list[Contract]:
    """Contracts that are all different, in any order."""
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["NIFTY", "NIFTYNXT50", "M&M", "BAJAJ-AUTO", "A"]),
                st.dates(date(2026, 1, 1), date(2027, 12, 31)) | st.just(date(2026, 11, 23)),
                st.integers(1, 999_999_999) | st.sampled_from([5, 10, 2_405_000, 2_405_050]),
                st.sampled_from(Right),
            ),
            unique=True,
            max_size=25,
        )
    )
    contracts = []
    for underlying, expiry, paise, right in keys:
        strike = Decimal(paise).scaleb(-2)
        if draw(st.booleans()):
            strike = strike.normalize()
        seconds = draw(st.integers(0, 86_399_999_999))
        contracts.append(
            Contract(
                symbol=format_symbol(underlying, expiry, strike, right),
                underlying=underlying,
                expiry=expiry,
                strike=strike,
                right=right,
                lot_size=draw(st.integers(1, 100_000)),
                tick_size=Decimal(draw(st.integers(1, 1_000))).scaleb(-2),
                freeze_quantity=draw(st.integers(1, 2**31 - 1)),
                expires_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=seconds),
            )
        )
    return contracts


def by_sorting(contracts: list[Contract]) -> list[Contract]:
    """The rows of the naive universe: a sorted list of contracts."""
    return sorted(contracts, key=lambda c: (c.underlying, c.expiry, c.strike, c.right))


@given(contract_lists())
def test_columns_answer_like_a_sorted_list_of_contracts(contracts: list[Contract]) -> None:
    naive, universe = by_sorting(contracts), Universe(contracts)

    assert len(universe) == len(universe.contracts) == len(universe.symbols) == len(naive)
    assert list(universe.contracts) == naive
    assert [universe.contracts[row] for row in range(len(naive))] == naive
    assert list(universe.symbols) == [c.symbol for c in naive]
    assert [universe.symbols[row] for row in range(len(naive))] == [c.symbol for c in naive]
    assert dict(universe.rows) == {c.symbol: row for row, c in enumerate(naive)}
    assert universe.underlyings == tuple(sorted({c.underlying for c in naive}))
    keys = [(c.underlying, c.expiry) for c in naive]
    starts = [(key, len(list(group))) for key, group in groupby(keys)]
    assert [((c.underlying, c.expiry), c.stop - c.start) for c in universe.chains] == starts
    assert [universe.chains[i] for i in universe.chain_index.tolist()] == [
        next(chain for chain in universe.chains if chain.start <= row < chain.stop)
        for row in range(len(naive))
    ]
    names = [universe.underlyings[i] for i in universe.underlying_index.tolist()]
    assert names == [c.underlying for c in naive]
    assert universe.strike.tolist() == [float(c.strike) for c in naive]
    assert universe.strike_paise.tolist() == [int(c.strike * 100) for c in naive]
    assert universe.is_call.tolist() == [c.right is Right.CALL for c in naive]
    assert universe.lot_size.tolist() == [c.lot_size for c in naive]
    assert universe.tick_paise.tolist() == [int(c.tick_size * 100) for c in naive]
    assert universe.freeze_quantity.tolist() == [c.freeze_quantity for c in naive]
    assert universe.expires_at.tolist() == [c.expires_at.timestamp() for c in naive]


@given(contract_lists(), st.integers(-30, 30), st.integers(-30, 30), st.sampled_from([1, 2, -1]))
def test_rows_are_sliced_like_a_tuple(
    contracts: list[Contract], start: int, stop: int, step: int
) -> None:
    naive, universe = tuple(by_sorting(contracts)), Universe(contracts)

    assert universe.contracts[start:stop:step] == naive[start:stop:step]
    assert universe.symbols[start:stop:step] == tuple(c.symbol for c in naive)[start:stop:step]
    assert universe.contracts == naive


@given(contract_lists(), st.randoms(use_true_random=False))
def test_a_universe_is_the_same_however_it_was_built(
    contracts: list[Contract], random: Random
) -> None:
    universe = Universe(contracts)
    random.shuffle(contracts)
    chains = list(gathered(contracts))
    random.shuffle(chains)

    again = Universe(chains=chains)

    assert again.version == universe.version
    assert again.contracts == universe.contracts
    assert Universe(again.contracts).version == universe.version


@given(contract_lists(), st.sets(st.integers(0, 24)), st.sets(st.integers(0, 24)))
def test_rows_lead_to_the_same_symbols_in_another_universe(
    contracts: list[Contract], left_out: set[int], out_there: set[int]
) -> None:
    here = Universe(c for i, c in enumerate(contracts) if i not in left_out)
    there = Universe(c for i, c in enumerate(contracts) if i not in out_there)

    found = here.rows_in(there)

    assert found.tolist() == [there.rows.get(symbol, -1) for symbol in here.symbols]


@pytest.mark.parametrize(
    "symbol",
    ["NIFTY_25AUG26_24000.0CE", "NIFTY_25AUG26_024000CE", "NIFTY_25AUG26_24000ce", "24000CE", "",
     "NIFTY_25AUG26_24000", "NIFTY_25AUG26_", "NIFTY_25AUG26_23900PE_"],
)  # fmt: skip
def test_no_other_spelling_of_a_symbol_has_a_row(symbol: str) -> None:
    assert UNIVERSE.row(symbol) is None
    assert symbol not in UNIVERSE.rows
    assert symbol not in UNIVERSE.symbols


def test_rows_beyond_the_last_are_no_rows() -> None:
    assert UNIVERSE.contracts[-1] == UNIVERSE.contracts[len(UNIVERSE) - 1]
    for views in (UNIVERSE.contracts, UNIVERSE.symbols):
        with pytest.raises(IndexError):
            views[len(UNIVERSE)]
        with pytest.raises(IndexError):
            views[-len(UNIVERSE) - 1]


CONTRACT = make_contract("NIFTY", EXPIRIES[0], 24_000, Right.CALL)


@pytest.mark.parametrize(
    ("contracts", "message"),
    [
        ([CONTRACT, CONTRACT], "a contract must come once, was NIFTY_25AUG26_24000CE"),
        ([replace(CONTRACT, symbol="NIFTY_C1")], "must be NIFTY_25AUG26_24000CE, was NIFTY_C1"),
        ([replace(CONTRACT, tick_size=Decimal("0.025"))], "tick size must be whole paise, was 0.0"),
        (
            [replace(CONTRACT, lot_size=0)],
            "lot size of NIFTY_25AUG26_24000CE must be from 1 to 2147483647, was 0",
        ),
        (
            [replace(CONTRACT, freeze_quantity=2**31)],
            "freeze quantity of NIFTY_25AUG26_24000CE must be from 1 to 2147483647, was 2147483648",
        ),
        # What no symbol can be read back from.
        (
            [make_contract("NIFTY", CONTRACT.expiry, 10_000_000, Right.CALL)],
            "must be from 1 to 999999999, was 1000000000",
        ),
    ],
)
def test_contracts_that_cannot_be_are_refused(contracts: list[Contract], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Universe(contracts)


def test_a_chain_that_comes_in_two_parts_is_refused() -> None:
    chains = [*gathered([CONTRACT]), *gathered(make_universe(strikes=(24_100,)).contracts)]

    with pytest.raises(InvalidInput, match="a chain must come once, was NIFTY_25AUG26_"):
        Universe(chains=chains)


def test_a_universe_costs_a_small_part_of_its_contracts() -> None:
    strikes = range(10_000, 30_000, 10)
    contracts = make_universe(("NIFTY",), EXPIRIES, strikes).contracts
    chains = list(gathered(contracts))

    _, columns = measured(lambda: Universe(chains=chains))
    _, objects = measured(lambda: list(contracts))

    assert columns * 10 < objects


def test_looking_at_every_contract_keeps_no_more_than_a_part_of_them() -> None:
    universe = make_universe(("NIFTY",), EXPIRIES, range(10_000, 40_000, 10))

    _, kept = measured(lambda: [universe.contracts[row].lot_size for row in range(len(universe))])
    _, objects = measured(lambda: list(universe.contracts))

    assert kept * 2 < objects


def measured(make: Callable[[], object]) -> tuple[object, int]:
    """Return what was made and the bytes that are still held for it."""
    tracemalloc.start()
    try:
        made = make()
        return made, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_universe_that_nobody_holds_is_gone_at_once() -> None:
    universe = make_universe()
    contract, symbol = universe.contracts[0], universe.symbols[0]
    assert universe.rows[symbol] == 0
    assert len(universe.underlying_index) == len(list(universe.contracts))
    gone = ref(universe)

    gc.disable()
    try:
        del universe
        assert gone() is None
    finally:
        gc.enable()
    assert contract.symbol == symbol


def test_another_version_says_that_a_contract_may_only_be_closed() -> None:
    universe = make_universe()
    symbol = universe.symbols[0]

    ending = Universe(universe.contracts, closing_only=[symbol])

    assert ending.closing_only == {symbol}
    assert ending.version != universe.version == Universe(universe.contracts).version


FUTURES = [factory_on(date(2026, 8, 19)).make_future("NIFTY", day) for day in EXPIRIES]
WITH_FUTURES = Universe([*UNIVERSE.contracts, *FUTURES])


def test_futures_are_the_last_rows_and_in_no_chain() -> None:
    assert WITH_FUTURES.chains == UNIVERSE.chains
    assert WITH_FUTURES.chain_index.tolist() == UNIVERSE.chain_index.tolist()
    assert WITH_FUTURES.option_count == len(UNIVERSE) == 16
    assert WITH_FUTURES.symbols[16:] == ("NIFTY_25AUG26_FUT", "NIFTY_01SEP26_FUT")
    assert WITH_FUTURES.is_future.tolist() == [False] * 16 + [True] * 2
    assert WITH_FUTURES.underlying_index[16:].tolist() == [1, 1]


def test_a_future_is_found_by_its_symbol_and_made_as_it_was_given() -> None:
    for row, contract in enumerate(FUTURES, start=16):
        assert WITH_FUTURES.row(contract.symbol) == row
        assert WITH_FUTURES.contract(row) == contract
    assert WITH_FUTURES.contracts == (*UNIVERSE.contracts, *FUTURES)
    assert UNIVERSE.row(FUTURES[0].symbol) is None


def test_rows_of_futures_are_found_in_another_universe() -> None:
    other = Universe([*UNIVERSE.contracts, FUTURES[1]])

    assert WITH_FUTURES.rows_in(other).tolist() == [*range(16), -1, 16]
    assert other.rows_in(UNIVERSE).tolist() == [*range(16), -1]


def test_a_future_is_listed_without_options_of_its_expiry() -> None:
    universe = Universe([*UNIVERSE.contracts[:4], FUTURES[0]])

    assert [chain.underlying for chain in universe.chains] == ["BANKNIFTY"]
    assert universe.underlyings == ("BANKNIFTY", "NIFTY")
    assert universe.contract(4) == FUTURES[0]


def test_the_version_tells_which_expiry_a_future_has() -> None:
    versions = {Universe([*UNIVERSE.contracts, future]).version for future in FUTURES}

    assert len({UNIVERSE.version, WITH_FUTURES.version, *versions}) == 4


def test_a_future_comes_once_and_has_a_lot() -> None:
    with pytest.raises(InvalidInput, match="a contract must come once, was NIFTY_25AUG26_FUT"):
        Universe([FUTURES[0], FUTURES[0]])
    with pytest.raises(InvalidInput, match="lot size of NIFTY_25AUG26_FUT must be from 1"):
        Universe([replace(FUTURES[0], lot_size=0)])
