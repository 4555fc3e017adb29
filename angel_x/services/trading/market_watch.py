"""Which quotes have moved since this process last looked."""

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

#: Open interest is of no concern to an order that rests, nor is when the feed said it all again.
_PRICES = ("bid", "ask", "last", "bid_size", "ask_size", "volume")

#: Naming more contracts than this costs the database more than all resting orders do: of a hundred
#: thousand contracts twenty thousand have moved since the last look.
_MOST_NAMED = 1_000


@dataclass(frozen=True, slots=True)
class MarketSight:
    """The whole board at one moment."""

    universe: Universe
    quotes: NDArray[np.void]
    is_fresh: NDArray[np.bool_]
    #: The rows worth a look; None for all.
    moved: NDArray[np.int64] | None

    @property
    def symbols(self) -> list[str] | None:
        """The contracts worth a look; None for all, or where most of them would have to be named."""
        if self.moved is None or len(self.moved) > _MOST_NAMED:
            return None
        return [self.universe.symbol(row) for row in self.moved.tolist()]


class MarketWatch:
    """Compares the board with what it was.

    A comparison misses an order that began to rest between two moves: it was decided on an older
    quote than the last one seen here.  It misses a trading halt that was lifted, and displayed
    sizes that were forgotten.  So every ``full_seconds`` everything counts as moved.
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
        self._full_at = -full_seconds

    def look(self) -> MarketSight:
        """Read the board and compare it with the one that was last :meth:`noted <note>`."""
        universe = self._universes.current()
        quotes = self._quotes.read(universe)
        is_fresh = fresh(quotes, epoch_ms(self._clock()), self._max_age)
        return MarketSight(universe, quotes, is_fresh, self._moved(universe, quotes))

    def note(self, sight: MarketSight) -> None:
        """Take a look as seen, once all that it asked for is done: what failed is looked at again."""
        self._seen = sight
        if sight.moved is None:
            self._full_at = self._monotonic()

    def _moved(self, universe: Universe, quotes: NDArray[np.void]) -> NDArray[np.int64] | None:
        seen = self._seen
        if seen is None or seen.universe.version != universe.version:
            return None
        if self._monotonic() - self._full_at >= self._full_seconds:
            return None
        moved = np.zeros(len(quotes), np.bool_)
        for name in _PRICES:
            moved |= quotes[name] != seen.quotes[name]
        return np.flatnonzero(moved)
