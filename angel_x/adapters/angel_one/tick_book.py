"""The latest quote of each instrument, from ticks that say more or less about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from angel_x.adapters.angel_one.market_frames import CARRIED, Decoded, Ticks
from angel_x.domain.quotes.quote import QUOTE

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TickBook:
    """Keeps a QUOTE for each instrument.

    A tick changes the fields that its mode carries.  One that is older than the latest tick of its
    instrument, by the exchange's time, changes nothing; of ticks of one moment the last one counts.
    A time in the future counts as the present: a wrong one must not make all later ticks late.
    """

    def __init__(self, instruments: int) -> None:
        #: A QUOTE for each instrument, zeros before its first tick; the time is the exchange's.
        self.quotes = np.zeros(instruments, QUOTE)
        #: Ticks that came after a later one.
        self.late = 0

    def apply(self, decoded: Decoded, now_ms: int) -> NDArray[np.int64]:
        """Take ticks; return the places of changed instruments, ascending.

        ``now_ms`` is the present, in milliseconds since the epoch.
        """
        moved = [self._apply(ticks, now_ms) for ticks in decoded.ticks]
        return np.unique(np.concatenate(moved)) if moved else np.zeros(0, np.int64)

    def _apply(self, ticks: Ticks, now_ms: int) -> NDArray[np.int64]:
        known = np.minimum(ticks.times, now_ms)
        # Stable, so that of ticks of one moment the last one is assigned last.
        order = np.argsort(known, kind="stable")
        places, times = ticks.places[order], known[order]
        is_new = times >= self.quotes["time"][places]
        self.late += int(len(places) - is_new.sum())
        places, order = places[is_new], order[is_new]
        self.quotes["time"][places] = times[is_new]
        for name in CARRIED[ticks.mode]:
            self.quotes[name][places] = ticks.quotes[name][order]
        return places
