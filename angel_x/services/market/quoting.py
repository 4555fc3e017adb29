"""Writes the quotes of a source through the tick buffer to the quote board."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import structlog

from angel_x.domain.quotes.quote import QUOTE, RECORD
from angel_x.domain.quotes.ticks import TickBuffer
from angel_x.domain.values.runs import Bridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.feed.market_move import MarketMove
    from angel_x.services.ports import QuoteBoard, UniverseSource

log = structlog.get_logger()

#: A run costs as much as a hundred rows; bridging wider gaps saves little and adds traffic.
_WIDEST_GAP = 64


class SourceRows:
    """The positions of a source's rows, underlyings and chains in a universe; -1 where missing."""

    def __init__(self, source: Universe, universe: Universe) -> None:
        self.universe = universe
        self.rows = source.rows_in(universe)
        #: The position in the source of each underlying and chain of the universe.
        self.spots = _places(universe.underlyings, source.underlyings)
        self.futures = _places(
            [(c.underlying, c.expiry) for c in universe.chains],
            [(c.underlying, c.expiry) for c in source.chains],
        )


class Quoting:
    """Writes the quotes of one source to the rows of the current universe.

    The buffer uses the rows of the source, so a change of universe loses neither quotes nor
    statistics.  Contracts that the universe does not list are skipped.

    The last written quotes are kept here, so that a narrow gap between two moved rows is filled with
    them and both rows are one write.  A row that this source never quoted is not written: it may
    belong to another source.
    """

    def __init__(
        self, source: Universe, universes: UniverseSource, board: QuoteBoard, *, buffer_size: int
    ) -> None:
        self.buffer = TickBuffer(len(source), capacity=buffer_size)
        self.listing: SourceRows | None = None
        self._source = source
        self._universes = universes
        self._board = board
        self._spots = np.zeros(len(source.underlyings), QUOTE)
        self._futures: NDArray[np.void] | None = None
        self._dropped = 0
        self._show_nothing(0)

    @property
    def dropped(self) -> int:
        """The number of rows dropped from the full buffer."""
        return self._dropped + self.buffer.dropped

    def pieces(self, move: MarketMove) -> Iterator[slice]:
        """Yield slices of a move that fit into the buffer; a move without rows is one empty slice."""
        size = self.buffer.capacity
        return (slice(start, start + size) for start in range(0, max(1, len(move.rows)), size))

    def take(self, move: MarketMove, piece: slice, now_ms: int) -> None:
        """Buffer a slice of a move as received now."""
        self.buffer.add_ticks_batch(move.rows[piece], _stamped(move.quotes[piece], now_ms))
        self._spots, self._futures = move.spots, move.futures

    def follow(self) -> bool:
        """Bind to the current universe; return whether it is new and its board empty."""
        universe = self._universes.current()
        if self.listing is not None and universe.version == self.listing.universe.version:
            return False
        self.listing = SourceRows(self._source, universe)
        self._show_nothing(len(universe))
        missing = int(np.count_nonzero(self.listing.rows < 0))
        log.info("feed.bound", version=universe.version, rows=len(self._source), missing=missing)
        return True

    def change(self, source: Universe) -> None:
        """Write the quotes of another source from now on; the board keeps its quotes."""
        self._dropped += self.buffer.dropped
        self._source = source
        self.buffer = TickBuffer(len(source), capacity=self.buffer.capacity)
        self._spots, self._futures = np.zeros(len(source.underlyings), QUOTE), None
        self.listing = None
        self._show_nothing(0)

    def flush(self, now_ms: int) -> bool:
        """Write the rows moved since the last flush; return whether a listed row moved."""
        moved = self._show_moves(now_ms)
        if len(moved):
            self._write(self._bridge.over(moved), now_ms)
        return len(moved) > 0

    def restate(self, now_ms: int) -> bool:
        """Write every valid quote of the source as of now; return whether a listed row moved.

        This keeps quotes without moves from expiring, and refills a wiped board.
        """
        moved = self._show_moves(now_ms)
        rows, quotes = self.buffer.latest()
        quotes["time"] = now_ms
        self._show(rows, quotes)
        self._withdrawn &= ~self._known
        self._shown.view(RECORD)[self._withdrawn] = np.zeros((), RECORD)
        self._write(np.flatnonzero(self._known | self._withdrawn), now_ms)
        self._withdrawn[:] = False
        return len(moved) > 0

    def restart(self, first: MarketMove) -> None:
        """Drop all quotes from before ``first``, which is the whole market now.

        A contract that is not in it loses its quote with the next restatement.
        """
        self._dropped += self.buffer.dropped
        self.buffer = TickBuffer(len(self._source), capacity=self.buffer.capacity)
        self._withdrawn |= self._known
        if self.listing is not None:
            listed = self.listing.rows[first.rows]
            self._withdrawn[listed[listed >= 0]] = False
        self._known &= ~self._withdrawn
        self._bridge = Bridge(self._known, widest=_WIDEST_GAP)

    def take_moved(self) -> tuple[Universe, NDArray[np.int64]]:
        """Return the rows of the universe that moved since the last call; at first, all of them."""
        moved = np.flatnonzero(self._moved)
        self._moved[:] = False
        return self._bound().universe, moved

    def spots(self, now_ms: int) -> NDArray[np.void]:
        """Return the source's quotes of the underlyings of the universe."""
        return _placed(self._spots, self._bound().spots, now_ms)

    def _show_nothing(self, rows: int) -> None:
        self._shown = np.zeros(rows, QUOTE)
        self._known = np.zeros(rows, np.bool_)
        self._withdrawn = np.zeros(rows, np.bool_)
        self._moved = np.ones(rows, np.bool_)
        self._bridge = Bridge(self._known, widest=_WIDEST_GAP)

    def _show_moves(self, now_ms: int) -> NDArray[np.int64]:
        moved = self._show(*self.buffer.drain(now_ms))
        self._moved[moved] = True
        return moved

    def _show(self, rows: NDArray[np.int64], quotes: NDArray[np.void]) -> NDArray[np.int64]:
        """Keep quotes for the next write; return their rows in the universe, ascending."""
        listed = self._bound().rows[rows]
        is_listed = listed >= 0
        listed = listed[is_listed]
        self._shown.view(RECORD)[listed] = quotes.view(RECORD)[is_listed]
        if not self._known[listed].all():
            self._known[listed] = True
            self._bridge = Bridge(self._known, widest=_WIDEST_GAP)
        return np.sort(listed)

    def _write(self, rows: NDArray[np.int64], now_ms: int) -> None:
        if len(rows) == 0:
            return
        listing = self._bound()
        self._board.write(listing.universe, rows, self._shown.view(RECORD)[rows].view(QUOTE))
        futures = None
        if self._futures is not None:
            futures = _placed(self._futures, listing.futures, now_ms)
        self._board.write_spots(listing.universe, self.spots(now_ms), futures)

    def _bound(self) -> SourceRows:
        assert self.listing is not None, "follow() comes first"
        return self.listing


def _places(wanted: Sequence[Hashable], given: Sequence[Hashable]) -> NDArray[np.int64]:
    place = {name: number for number, name in enumerate(given)}
    return np.array([place.get(name, -1) for name in wanted], np.int64)


def _stamped(quotes: NDArray[np.void], now_ms: int) -> NDArray[np.void]:
    stamped = quotes.view(RECORD).copy().view(QUOTE)
    stamped["time"] = now_ms
    return stamped


def _placed(quotes: NDArray[np.void], places: NDArray[np.int64], now_ms: int) -> NDArray[np.void]:
    """Return the quotes at other positions, as of now; zeros where there is none."""
    placed = np.zeros(len(places), QUOTE)
    there = places >= 0
    placed[there] = quotes[places[there]]
    exists = (placed["last"] > 0) | (placed["bid"] > 0) | (placed["ask"] > 0)
    placed["time"] = np.where(exists, now_ms, 0)
    return placed
