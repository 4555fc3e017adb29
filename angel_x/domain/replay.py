"""A recorded chain as a source of market data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.market_move import MarketMove

if TYPE_CHECKING:
    from datetime import datetime

    from angel_x.domain.universe import Universe


@dataclass(frozen=True, slots=True)
class RecordedChain:
    """The snapshots of a recording, in the order of time, each with all that it says."""

    universe: Universe
    snapshots: tuple[MarketMove, ...]

    @property
    def name(self) -> str:
        return "replay"

    @property
    def starts_at(self) -> datetime:
        """Market time of the first snapshot."""
        return self.snapshots[0].at

    def moves(self) -> Iterator[MarketMove]:
        """Yield what is new in each snapshot: rows that say the same again are left out."""
        book = np.zeros(len(self.universe), self.snapshots[0].quotes.dtype)
        known = np.zeros(len(self.universe), np.bool_)
        for snapshot in self.snapshots:
            moved = (book[snapshot.rows] != snapshot.quotes) | ~known[snapshot.rows]
            rows, quotes = snapshot.rows[moved], snapshot.quotes[moved]
            book[rows] = quotes
            known[rows] = True
            yield MarketMove(snapshot.at, rows, quotes, snapshot.spots)
