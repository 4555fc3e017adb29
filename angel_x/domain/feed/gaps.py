"""Gaps in a source of market data: skipped sequence numbers, silences and stale contracts.

All times are market times, so a fast replay of a recording has the same gaps as its day had.  While
the market is closed there are none.
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

#: A source that is silent for this multiple of its usual pause has a gap.
_MISSED_BEATS = 3
#: The longest silence that is never a gap, however fast the source usually is.
_SHORTEST_SILENCE = timedelta(seconds=5)
#: A contract at the money is stale without a new quote for this time, and this many usual pauses.
_STALE = timedelta(seconds=60)
_STALE_BEATS = 5
#: The fraction of the spot within which contracts are expected to move constantly.
_NEAR = 0.02


class GapKind(StrEnum):
    #: The sequence numbers of the source skipped some.
    SEQUENCE = "sequence"
    #: The source sent nothing for much longer than usual.
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap of a source."""

    kind: GapKind
    #: The count of skipped numbers, or market seconds of silence so far.
    size: float


class GapWatch:
    """Detects gaps of a source; each silence is reported once, however long it lasts."""

    def __init__(self, cadence: timedelta | None, calendar: TradingCalendar) -> None:
        self._calendar = calendar
        self._patience = max((cadence or timedelta()) * _MISSED_BEATS, _SHORTEST_SILENCE)
        self._heard_at: datetime | None = None
        self._sequence: int | None = None
        self._is_silent = False

    def begin(self) -> None:
        """Forget the former moves: the source restarts."""
        self._heard_at = self._sequence = None
        self._is_silent = False

    def hear(self, move: MarketMove) -> Gap | None:
        """Record a move; return the gap before it, unless it was reported."""
        silence = self.wait(move.at)
        skipped = self._skipped(move.sequence)
        self._heard_at, self._is_silent = move.at, False
        return skipped or silence

    def wait(self, market: datetime) -> Gap | None:
        """Record that no move came until ``market``; return a silence that is long enough and new."""
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
    """Keeps the market time of the last new quote of each row of a source."""

    def __init__(self, rows: int, cadence: timedelta | None, calendar: TradingCalendar) -> None:
        self._calendar = calendar
        self._patience = max((cadence or timedelta()) * _STALE_BEATS, _STALE).total_seconds()
        self._heard = np.zeros(rows)
        self._began = 0.0

    def begin(self, market: datetime) -> None:
        """Restart the time of every row: the source restarts."""
        self._began = market.timestamp()
        self._heard[:] = self._began

    def hear(self, move: MarketMove) -> None:
        """Record a move."""
        self._heard[move.rows] = move.at.timestamp()

    def count(
        self,
        universe: Universe,
        listed: NDArray[np.int64],
        spots: NDArray[np.void],
        market: datetime,
    ) -> int:
        """Return the number of stale contracts of the universe.

        Only options near the money of the next expiry count: others may not trade for long.
        Contracts without any quote from the source count as stale.  ``listed`` are the rows of the
        source in the universe, negative for none.
        """
        if not self._calendar.is_open(market):
            return 0
        now = market.timestamp()
        heard = np.full(len(universe), self._began)
        heard[listed[listed >= 0]] = self._heard[listed >= 0]
        options = slice(universe.option_count)
        spot = spots["last"][universe.underlying_index[options]] / 100.0
        is_near = (spot > 0) & (np.abs(universe.strike[options] - spot) <= _NEAR * spot)
        is_due = is_near & _expires_next(universe, now)[universe.chain_index]
        return int(np.count_nonzero(is_due & (now - heard[options] > self._patience)))


def _expires_next(universe: Universe, now: float) -> NDArray[np.bool_]:
    """Return whether each chain is the next of its underlying to expire."""
    starts = np.array([chain.start for chain in universe.chains], np.intp)
    alive = np.flatnonzero(universe.expires_at[starts] > now)
    # Chains are sorted by underlying and expiry.
    _, first = np.unique(universe.underlying_index[starts][alive], return_index=True)
    result = np.zeros(len(starts), np.bool_)
    result[alive[first]] = True
    return result
