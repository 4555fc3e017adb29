"""What a source of market data leaves out: numbers, moments, and contracts that should move.

Everything here is market time, so a recording that is replayed quickly is judged as it was on its
day.  Nothing is missing while the market is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.session import IST

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.feed.market_move import MarketMove

#: A source that is silent for so many times its usual pause has skipped something.
_MISSED_BEATS = 3
#: Silence that says nothing, however fast the source usually is.
_SHORTEST_SILENCE = timedelta(seconds=5)
#: A contract at the money that has had no new quote for so long, or for so many beats, is stale.
_STALE = timedelta(seconds=60)
_STALE_BEATS = 5
#: Share of the spot within which contracts are expected to move all the time.
_NEAR = 0.02


class GapKind(StrEnum):
    #: The source's own count left out a number.
    SEQUENCE = "sequence"
    #: The source said nothing for longer than it usually does.
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the source left out."""

    kind: GapKind
    #: Numbers that were left out, or seconds of the market in silence until now.
    size: float


class GapWatch:
    """Notices what a source leaves out; each silence once, however long it lasts."""

    def __init__(self, cadence: timedelta | None, calendar: TradingCalendar) -> None:
        self._calendar = calendar
        self._patience = max((cadence or timedelta()) * _MISSED_BEATS, _SHORTEST_SILENCE)
        self._heard_at: datetime | None = None
        self._sequence: int | None = None
        self._is_silent = False

    def begin(self) -> None:
        """Expect nothing of the next move: the source begins anew."""
        self._heard_at = self._sequence = None
        self._is_silent = False

    def hear(self, move: MarketMove) -> Gap | None:
        """Take note of a move; return what was left out before it, unless that was known."""
        silence = self.wait(move.at)
        skipped = self._skipped(move.sequence)
        self._heard_at, self._is_silent = move.at, False
        return skipped or silence

    def wait(self, market: datetime) -> Gap | None:
        """Take note that nothing more was said until ``market``; return a silence that began."""
        seconds = self._silent_seconds(market)
        if self._is_silent or seconds <= self._patience.total_seconds():
            return None
        self._is_silent = True
        return Gap(GapKind.SILENCE, seconds)

    def _silent_seconds(self, market: datetime) -> float:
        session = self._calendar.session(market.astimezone(IST).date())
        if self._heard_at is None or session is None or market > session.closes_at:
            return 0.0
        return (market - max(self._heard_at, session.opens_at)).total_seconds()

    def _skipped(self, sequence: int | None) -> Gap | None:
        before, self._sequence = self._sequence, sequence
        if sequence is None or before is None or sequence <= before + 1:
            return None
        return Gap(GapKind.SEQUENCE, float(sequence - before - 1))


class StaleWatch:
    """Knows when each row of a source had its last new quote, in seconds of the market."""

    def __init__(self, rows: int, cadence: timedelta | None, calendar: TradingCalendar) -> None:
        self._calendar = calendar
        self._patience = max((cadence or timedelta()) * _STALE_BEATS, _STALE).total_seconds()
        self._heard = np.zeros(rows)
        self._began = 0.0

    def begin(self, market: datetime) -> None:
        """Give every row its time again: the source begins anew."""
        self._began = market.timestamp()
        self._heard[:] = self._began

    def hear(self, move: MarketMove) -> None:
        """Take note of a move."""
        self._heard[move.rows] = move.at.timestamp()

    def count(
        self,
        universe: Universe,
        listed: NDArray[np.int64],
        spots: NDArray[np.void],
        market: datetime,
    ) -> int:
        """Return how many contracts of the universe should have moved and did not.

        They lie near the money of the next expiry: further away nobody may have traded for long.
        One that the source never speaks of counts.
        ``listed`` are the rows of the source in the universe, negative for none.
        """
        if not self._calendar.is_open(market):
            return 0
        now = market.timestamp()
        heard = np.full(len(universe), self._began)
        heard[listed[listed >= 0]] = self._heard[listed >= 0]
        spot = spots["last"][universe.underlying_index] / 100.0
        is_near = (spot > 0) & (np.abs(universe.strike - spot) <= _NEAR * spot)
        is_due = is_near & _expires_next(universe, now)[universe.chain_index]
        return int(np.count_nonzero(is_due & (now - heard > self._patience)))


def _expires_next(universe: Universe, now: float) -> NDArray[np.bool_]:
    """Return of each chain whether it is the next of its underlying to expire."""
    starts = np.array([chain.start for chain in universe.chains], np.intp)
    alive = np.flatnonzero(universe.expires_at[starts] > now)
    # Chains are sorted by underlying and expiry.
    _, first = np.unique(universe.underlying_index[starts][alive], return_index=True)
    result = np.zeros(len(starts), np.bool_)
    result[alive[first]] = True
    return result
