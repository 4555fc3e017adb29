"""Gates of the schedule: no messages while the market is closed, none to a queue without workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from redis import Redis
from redis.exceptions import RedisError

from angel_x.adapters.redis.queue_depths import QueueDepths
from angel_x.domain.calendar.session import IST, TradingCalendar
from beat_schedule.schedule import Entry, Gate
from config.queues import QueueName
from config.task_names import ROUTES

log = structlog.get_logger()

#: Set by a running feed, for seconds at a time.
_FEED_LIVE = "ax:feed:live"
#: Queues of work that the next turn sends again, and the most messages that may wait there.
_PATIENT = (QueueName.GREEKS, QueueName.PORTFOLIO, QueueName.MONITOR)
BACKLOG = 200


class MarketGate:
    """Admits an entry by the market hours of its :class:`Gate`."""

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
        """Return whether an entry may run now; an entry that is not in the table always may."""
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


class BacklogGate:
    """Holds back entries whose queue has too many messages.

    Messages expire when a worker takes them; without a worker they would stay for ever.
    """

    def __init__(self, entries: Mapping[str, Entry], broker: Redis) -> None:
        self._queues = {name: ROUTES[entry.task] for name, entry in entries.items()}
        self._depths = QueueDepths(broker, _PATIENT)
        self._held: set[str] = set()

    def admits(self, name: str) -> bool:
        """Return whether an entry may be sent; while the message broker is unavailable it may."""
        queue = self._queues.get(name)
        if queue is None or queue not in _PATIENT:
            return True
        try:
            waiting = self._depths.read()[queue]
        except RedisError as error:
            log.warning("queues.unknown", error=str(error))
            return True
        self._tell(name, queue, waiting)
        return waiting < BACKLOG

    def _tell(self, name: str, queue: QueueName, waiting: int) -> None:
        """Log once when an entry is held back, and once when it is released."""
        if waiting >= BACKLOG and name not in self._held:
            self._held.add(name)
            log.warning("beat.held_back", entry=name, queue=queue, waiting=waiting)
        elif waiting < BACKLOG and name in self._held:
            self._held.remove(name)
            log.info("beat.released", entry=name, queue=queue, waiting=waiting)
