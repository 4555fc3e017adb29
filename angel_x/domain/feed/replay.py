"""A recorded chain as a source of market data."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.quotes.quote import QUOTE

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from angel_x.domain.contracts.universe import Universe


@dataclass(frozen=True)
class RecordedChain:
    """The complete snapshots of a recording, in order of time."""

    universe: Universe
    snapshots: tuple[MarketMove, ...]

    @property
    def name(self) -> str:
        return "replay"

    @property
    def starts_at(self) -> datetime:
        """Market time of the first snapshot."""
        return self.snapshots[0].at

    @property
    def is_continuous(self) -> bool:
        """The hours of a recorded day are those of the exchange."""
        return False

    @property
    def has_market(self) -> bool:
        return True

    @cached_property
    def cadence(self) -> timedelta | None:
        """The median time between two snapshots; None for a recording of one snapshot."""
        moments = [snapshot.at for snapshot in self.snapshots]
        between = sorted(later - earlier for earlier, later in pairwise(moments))
        return between[len(between) // 2] if between else None

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:
        """Yield the changes of each snapshot; rows with an unchanged quote are left out.

        With ``since`` the first move is the whole market at that time, and the later snapshots
        follow.  A time before the recording means its beginning, a time after it its end.
        """
        snapshots = self.snapshots if since is None else self._from(since)
        book = np.zeros(len(self.universe), QUOTE)
        known = np.zeros(len(self.universe), np.bool_)
        for snapshot in snapshots:
            moved = (book[snapshot.rows] != snapshot.quotes) | ~known[snapshot.rows]
            rows, quotes = snapshot.rows[moved], snapshot.quotes[moved]
            book[rows] = quotes
            known[rows] = True
            yield MarketMove(snapshot.at, rows, quotes, snapshot.spots)

    def relisted(self, _universe: Universe) -> None:
        """Return None: the contracts of a recording do not change."""

    def _from(self, since: datetime) -> tuple[MarketMove, ...]:
        """Return the latest quote of every row as one snapshot at ``since``, and the later snapshots."""
        at = min(max(since, self.starts_at), self.snapshots[-1].at)
        count = bisect_right(self.snapshots, at, key=attrgetter("at"))
        book = np.zeros(len(self.universe), QUOTE)
        known = np.zeros(len(self.universe), np.bool_)
        for snapshot in self.snapshots[:count]:
            book[snapshot.rows] = snapshot.quotes
            known[snapshot.rows] = True
        rows = np.flatnonzero(known)
        picture = MarketMove(at, rows, book[rows], self.snapshots[count - 1].spots)
        return picture, *self.snapshots[count:]
