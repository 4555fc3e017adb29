from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from angel_x.domain.contracts.universe import Universe
from angel_x.domain.pricing.greek import GREEK_FIELDS, GreekField
from angel_x.errors import InvalidWatch
from angel_x.services.pricing.watched_contracts import MOST_WATCHED, Moved, WatchedContracts
from tests.builders.chains import fair_quotes, make_universe, spot_quotes
from tests.builders.markets import NOW, MemoryQuoteBoard
from tests.builders.recorders import FixedUniverse

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
FIRST, SECOND = UNIVERSE.symbols[40], UNIVERSE.symbols[-1]
WATCHED = frozenset({FIRST, SECOND})
NOW_MS = int(NOW.timestamp() * 1000)


class MemoryGreeks:
    """Published Greeks, all of one time for each row."""

    def __init__(self) -> None:
        self.columns = np.full((len(GREEK_FIELDS), len(UNIVERSE)), np.nan, np.float32)
        self.times = np.zeros(len(UNIVERSE), np.int64)

    def publish(self, symbol: str, delta: float, as_of_ms: int) -> None:
        row = UNIVERSE.rows[symbol]
        self.columns[GreekField.DELTA, row], self.times[row] = delta, as_of_ms

    def read(
        self, _universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return self.columns[:, rows], self.times[rows]


@pytest.fixture
def quotes() -> MemoryQuoteBoard:
    board = MemoryQuoteBoard()
    board.write(UNIVERSE, np.arange(len(UNIVERSE)), fair_quotes(UNIVERSE, received_ms=NOW_MS - 500))
    board.write_spots(UNIVERSE, spot_quotes(UNIVERSE))
    return board


@pytest.fixture
def greeks() -> MemoryGreeks:
    return MemoryGreeks()


@pytest.fixture
def universes() -> FixedUniverse:
    return FixedUniverse(UNIVERSE)


@pytest.fixture
def contracts(
    quotes: MemoryQuoteBoard, greeks: MemoryGreeks, universes: FixedUniverse
) -> WatchedContracts:
    return WatchedContracts(
        universes=universes, quotes=quotes, read_greeks=greeks.read, clock=lambda: NOW
    )


def symbols_of(moved: Moved) -> set[str]:
    return {contract.symbol for contract in moved.contracts}


def trade(quotes: MemoryQuoteBoard, symbol: str, last: int) -> None:
    rows = np.array([UNIVERSE.rows[symbol]])
    quote = quotes.read_rows(UNIVERSE, rows)
    quote["last"] = last
    quotes.write(UNIVERSE, rows, quote)


def test_the_first_reading_has_every_contract_and_its_underlying(
    contracts: WatchedContracts, greeks: MemoryGreeks
) -> None:
    greeks.publish(SECOND, 0.25, NOW_MS - 2_000)

    moved = contracts.read(WATCHED)

    assert symbols_of(moved) == WATCHED
    assert {spot.underlying for spot in moved.spots} == {"BANKNIFTY", "NIFTY"}
    (second,) = (contract for contract in moved.contracts if contract.symbol == SECOND)
    assert (second.oi, second.delta, second.status) == (650, 0.25, "unpublished")
    assert second.quoted_at is not None
    assert second.greeks_as_of is not None
    assert (NOW - second.quoted_at).total_seconds() == 0.5
    assert (NOW - second.greeks_as_of).total_seconds() == 2.0
    assert moved.read_at == NOW


def test_a_later_reading_has_those_alone_that_have_moved(
    contracts: WatchedContracts, quotes: MemoryQuoteBoard, greeks: MemoryGreeks
) -> None:
    contracts.read(WATCHED)
    assert contracts.read(WATCHED).contracts == ()

    trade(quotes, FIRST, 12_345)
    (traded,) = contracts.read(WATCHED).contracts
    greeks.publish(SECOND, 0.5, NOW_MS)
    (priced,) = contracts.read(WATCHED).contracts
    quotes.write_spots(UNIVERSE, spot_quotes(UNIVERSE, 24_001.0))
    moved = contracts.read(WATCHED)

    assert (traded.symbol, traded.last) == (FIRST, Decimal("123.45"))
    assert (priced.symbol, priced.delta) == (SECOND, 0.5)
    assert moved.contracts == ()
    assert {spot.price for spot in moved.spots} == {Decimal("24001.00")}


def test_a_contract_that_is_watched_anew_is_read_whole_and_others_are_not_repeated(
    contracts: WatchedContracts,
) -> None:
    contracts.read(frozenset({FIRST}))

    assert symbols_of(contracts.read(WATCHED)) == {SECOND}
    assert symbols_of(contracts.read(frozenset({FIRST}))) == set()
    assert symbols_of(contracts.read(WATCHED)) == {SECOND}


def test_another_list_of_contracts_is_read_whole(
    contracts: WatchedContracts, universes: FixedUniverse
) -> None:
    contracts.read(WATCHED)
    universes.universe = make_universe(("NIFTY",))

    moved = contracts.read(WATCHED)

    assert symbols_of(moved) == {SECOND}
    assert [spot.underlying for spot in moved.spots] == ["NIFTY"]


def test_each_bad_symbol_is_named(contracts: WatchedContracts) -> None:
    with pytest.raises(InvalidWatch) as refused:
        contracts.listed([FIRST, "NIFTY", "", "x" * 300])

    faults = [(fault.field, fault.value, fault.detail) for fault in refused.value.faults]
    assert faults == [("watch", value, "must be listed") for value in ("NIFTY", "", "x" * 80)]


def test_a_symbol_counts_once_and_their_number_is_bounded(contracts: WatchedContracts) -> None:
    assert contracts.listed([FIRST, SECOND, FIRST]) == (FIRST, SECOND)

    with pytest.raises(InvalidWatch, match="at most 250 contracts, was 251"):
        contracts.listed([str(number) for number in range(MOST_WATCHED + 1)])
