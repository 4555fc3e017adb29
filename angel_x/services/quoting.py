"""The way of a source's quotes through the tick buffer onto the board."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import structlog

from angel_x.domain.quote import QUOTE
from angel_x.domain.ticks import TickBuffer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from angel_x.domain.market_move import MarketMove
    from angel_x.domain.universe import Universe
    from angel_x.services.ports import QuoteBoard, UniverseSource

log = structlog.get_logger()


class Quoting:
    """Brings what one source says to the rows of whatever universe is current.

    The buffer counts rows as the source does, so a change of universe loses neither quotes nor
    statistics.  Contracts that the universe does not list are passed over.
    """

    def __init__(
        self, source: Universe, universes: UniverseSource, board: QuoteBoard, *, buffer_size: int
    ) -> None:
        self.buffer = TickBuffer(len(source), capacity=buffer_size)
        self._source = source
        self._universes = universes
        self._board = board
        self._spots = np.zeros(len(source.underlyings), QUOTE)
        self._universe: Universe | None = None
        self._listed_rows = np.zeros(0, np.int64)
        self._listed_spots = np.zeros(0, np.int64)

    def pieces(self, move: MarketMove) -> Iterator[slice]:
        """Cut a move into pieces that fit into the buffer."""
        size = self.buffer.capacity
        return (slice(start, start + size) for start in range(0, len(move.rows), size))

    def take(self, move: MarketMove, piece: slice, now_ms: int) -> None:
        """Buffer a piece of a move as received now."""
        self.buffer.add_ticks_batch(move.rows[piece], _stamped(move.quotes[piece], now_ms))
        self._spots = move.spots

    def follow(self) -> bool:
        """Look for another universe; say whether there is one, whose board knows nothing yet."""
        universe = self._universes.current()
        if self._universe is not None and universe.version == self._universe.version:
            return False
        self._universe = universe
        rows = [universe.rows.get(symbol, -1) for symbol in self._source.symbols]
        self._listed_rows = np.array(rows, np.int64)
        names = self._source.underlyings
        places = [names.index(n) if n in names else -1 for n in universe.underlyings]
        self._listed_spots = np.array(places, np.int64)
        missing = int(np.count_nonzero(self._listed_rows < 0))
        log.info("feed.bound", version=universe.version, rows=len(rows), missing=missing)
        return True

    def flush(self, now_ms: int) -> bool:
        """Write what moved since the last flush; say whether anything listed did."""
        rows, quotes = self.buffer.drain(now_ms)
        return self._write(rows, quotes, now_ms)

    def restate(self, now_ms: int) -> bool:
        """Write every quote that the source stands by, as of now; the answer is that of a flush.

        So a quiet contract does not expire, and a board that was wiped is whole again.
        """
        moved, _ = self.buffer.drain(now_ms)
        rows, quotes = self.buffer.latest()
        self._write(rows, _stamped(quotes, now_ms), now_ms)
        return bool((self._listed_rows[moved] >= 0).any())

    def _write(self, rows: NDArray[np.int64], quotes: NDArray[np.void], now_ms: int) -> bool:
        assert self._universe is not None, "follow() comes first"
        listed = self._listed_rows[rows]
        known = listed >= 0
        if not known.any():
            return False
        self._board.write(self._universe, listed[known], quotes[known])
        self._board.write_spots(self._universe, self._universe_spots(now_ms))
        return True

    def _universe_spots(self, now_ms: int) -> NDArray[np.void]:
        spots = _stamped(self._spots[self._listed_spots], now_ms)
        spots[self._listed_spots < 0] = np.zeros((), QUOTE)
        return spots


def _stamped(quotes: NDArray[np.void], now_ms: int) -> NDArray[np.void]:
    stamped = quotes.copy()
    stamped["time"] = now_ms
    return stamped
