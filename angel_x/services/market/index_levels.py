"""The levels of the indices, from the quotes of the feed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.quotes.quote import fresh
from angel_x.domain.values.money import rupees
from angel_x.services.ports import Clock, QuoteBoard, UniverseSource


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexLevels:
    """Reads the last price of every underlying."""

    universes: UniverseSource
    quotes: QuoteBoard
    clock: Clock
    max_quote_age_seconds: float

    def read(self) -> dict[str, Decimal]:
        """Return the levels in rupees; an underlying without a fresh quote above zero is left out."""
        universe = self.universes.current()
        spots = self.quotes.spots(universe)
        last = spots["last"]
        known = fresh(spots, epoch_ms(self.clock()), self.max_quote_age_seconds) & (last > 0)
        names = universe.underlyings
        return {names[i]: rupees(int(last[i])) for i in np.flatnonzero(known).tolist()}
