"""The quotes that moved since the last comparison in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.quotes.quote import fresh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe
    from angel_x.services.ports import Clock, QuoteBoard, UniverseSource

#: The fields that affect resting orders; open interest and the time of a repeated quote do not.
_PRICES = ("bid", "ask", "last", "bid_size", "ask_size", "volume")

#: The largest share of time for looks at everything: a slow one is followed by a longer pause.
_FULL_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class MarketSight:
    """The whole board at one moment."""

    universe: Universe
    quotes: NDArray[np.void]
    is_fresh: NDArray[np.bool_]
    #: The moved rows; None for all.
    moved: NDArray[np.int64] | None


class MarketWatch:
    """Compares the quote board with its last noted state.

    A comparison misses an order that began to rest between two moves, because it was decided on an
    older quote than the last one here.  It also misses the end of a trading halt, and expired records
    of taken sizes.  So every ``full_seconds`` all rows count as moved; less often where the search of
    all of them takes long.
    """

    def __init__(
        self,
        *,
        universes: UniverseSource,
        quotes: QuoteBoard,
        clock: Clock,
        monotonic: Callable[[], float],
        max_quote_age_seconds: float,
        full_seconds: float,
    ) -> None:
        self._universes = universes
        self._quotes = quotes
        self._clock = clock
        self._monotonic = monotonic
        self._max_age = max_quote_age_seconds
        self._full_seconds = full_seconds
        self._seen: MarketSight | None = None
        #: When all rows count as moved next.
        self._full_at = float("-inf")

    def look(self) -> MarketSight:
        """Read the board and compare it with the last :meth:`noted <note>` one."""
        universe = self._universes.current()
        quotes = self._quotes.read(universe)
        is_fresh = fresh(quotes, epoch_ms(self._clock()), self._max_age)
        return MarketSight(universe, quotes, is_fresh, self._moved(universe, quotes))

    def note(self, sight: MarketSight, search_seconds: float = 0.0) -> None:
        """Note a sight once its orders are matched; after a failure the same rows count as moved again.

        ``search_seconds`` is the time that the search for its orders took.
        """
        self._seen = sight
        if sight.moved is None:
            pause = max(self._full_seconds, search_seconds / _FULL_SHARE)
            self._full_at = self._monotonic() + pause

    def _moved(self, universe: Universe, quotes: NDArray[np.void]) -> NDArray[np.int64] | None:
        seen = self._seen
        if seen is None or seen.universe.version != universe.version:
            return None
        if self._monotonic() >= self._full_at:
            return None
        moved = np.zeros(len(quotes), np.bool_)
        for name in _PRICES:
            moved |= quotes[name] != seen.quotes[name]
        return np.flatnonzero(moved)
