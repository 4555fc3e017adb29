"""Quotes and Greeks of watched contracts, and those of them that have moved since the last reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.chains.chain_record import WatchedContract, WatchedSpot
from angel_x.domain.chains.option_chain import Readings, spot_of, time_of, watched_contracts
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.quotes.quote import QUOTE
from angel_x.errors import Fault, InvalidWatch
from angel_x.services.ports import QuoteBoard, UniverseSource
from angel_x.services.valuation_ports import ReadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Contracts that one listener watches at most: a hundred strikes, and some more.
MOST_WATCHED = 250
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Moved:
    """The contracts and underlyings that have moved, as of one reading."""

    read_at: datetime
    contracts: tuple[WatchedContract, ...]
    spots: tuple[WatchedSpot, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One reading of rows in ascending order."""

    version: str = ""
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    boards: Readings = field(
        default_factory=lambda: Readings(
            np.zeros(0, QUOTE), np.zeros((0, 0), np.float32), np.zeros(0, np.int64)
        )
    )
    #: The quote of each underlying of the rows, by its index.
    spots: dict[int, np.void] = field(default_factory=dict)


class WatchedContracts:
    """Remembers its last reading, so one thread reads, for all listeners of its process."""

    def __init__(
        self,
        *,
        universes: UniverseSource,
        quotes: QuoteBoard,
        read_greeks: ReadColumns,
        clock: Callable[[], datetime],
    ) -> None:
        self._universes = universes
        self._quotes = quotes
        self._read_greeks = read_greeks
        self._clock = clock
        self._seen = _Seen()
        self._asked = frozenset[str]()

    def listed(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Return the symbols of listed contracts, each once.

        Raises:
            InvalidWatch: They are more than :data:`MOST_WATCHED`, or one is not listed.
        """
        wanted = tuple(dict.fromkeys(symbols))
        if len(wanted) > MOST_WATCHED:
            detail = f"must have at most {MOST_WATCHED} contracts"
            raise InvalidWatch((Fault(0, "watch", str(len(wanted)), detail),))
        universe = self._universes.current()
        faults = [
            Fault(0, "watch", symbol[:_SHOWN], "must be listed")
            for symbol in wanted
            if universe.row(symbol) is None
        ]
        if faults:
            raise InvalidWatch(tuple(faults))
        return wanted

    def read(self, symbols: frozenset[str]) -> Moved:
        """Read contracts, and return those that the last reading did not have, or had otherwise.

        Symbols that are not listed any more are left out.  One read of each board.
        """
        universe, before = self._universes.current(), self._seen
        if before.version != universe.version:
            before = _Seen()
        # The same set has the same rows.
        rows = before.rows
        if before.version != universe.version or symbols is not self._asked:
            rows = _rows(universe, symbols)
        read_at, now = self._clock(), self._read(universe, rows)
        moved = np.flatnonzero(_has_moved(before, now))
        contracts = watched_contracts(universe, rows[moved].tolist(), now.boards.at(moved))
        spots = _moved_spots(universe, before, now)
        self._seen, self._asked = now, symbols
        return Moved(read_at, contracts, spots)

    def _read(self, universe: Universe, rows: NDArray[np.int64]) -> _Seen:
        quotes, spots = self._quotes.read_rows_and_spots(universe, rows)
        columns, times = self._read_greeks(universe, rows)
        places = np.unique(universe.underlying_index[rows]).tolist()
        of_rows = {place: spots[place] for place in places}
        return _Seen(universe.version, rows, Readings(quotes, columns, times), of_rows)


def _rows(universe: Universe, symbols: Iterable[str]) -> NDArray[np.int64]:
    """Return the rows of the symbols that are listed, in ascending order."""
    found = (universe.row(symbol) for symbol in symbols)
    return np.array(sorted(row for row in found if row is not None), np.int64)


def _has_moved(before: _Seen, now: _Seen) -> NDArray[np.bool_]:
    """Return for each row whether its quote or its Greeks are new."""
    moved = np.ones(len(now.rows), bool)
    known = np.flatnonzero(np.isin(now.rows, before.rows, assume_unique=True))
    places = np.searchsorted(before.rows, now.rows[known])
    held, read = before.boards.at(places), now.boards.at(known)
    moved[known] = (read.quotes != held.quotes) | (read.times != held.times)
    return moved


def _moved_spots(universe: Universe, before: _Seen, now: _Seen) -> tuple[WatchedSpot, ...]:
    return tuple(
        WatchedSpot(
            underlying=universe.underlyings[place],
            price=spot_of(quote),
            quoted_at=time_of(int(quote["time"])),
        )
        for place, quote in now.spots.items()
        if place not in before.spots or before.spots[place] != quote
    )
