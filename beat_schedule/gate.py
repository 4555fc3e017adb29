"""Whether the market lives: the calendar says so, or a feed does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from redis import Redis
from redis.exceptions import RedisError

from angel_x.domain.session import IST, TradingCalendar
from beat_schedule.schedule import Entry, Gate

log = structlog.get_logger()

#: Set by a running feed, for seconds at a time.
_FEED_LIVE = "ax:feed:live"


class MarketGate:
    """Lets an entry pass, or makes it wait for its next turn."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        *,
        calendar: TradingCalendar,
        cache: Redis,
        clock: Callable[[], datetime],
    ) -> None:
        self._gates = {name: entry.gate for name, entry in entries.items()}
        self._calendar = calendar
        self._cache = cache
        self._clock = clock

    def admits(self, name: str) -> bool:
        """Say whether an entry may run now; one that is not in the table always may."""
        gate = self._gates.get(name, Gate.ALWAYS)
        if gate is Gate.TRADING_DAY:
            return self._calendar.is_trading_day(self._clock().astimezone(IST).date())
        return gate is Gate.ALWAYS or self._calendar.is_open(self._clock()) or self._feed_lives()

    def _feed_lives(self) -> bool:
        try:
            return bool(self._cache.exists(_FEED_LIVE))
        except RedisError as error:
            log.warning("feed.unknown", error=str(error))
            return False
