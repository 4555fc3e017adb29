"""Market time: published by the feed in Redis, else the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import msgspec
import structlog
from redis.exceptions import RedisError

from angel_x.domain.feed.feed_state import FeedState

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

log = structlog.get_logger()

_STATE_KEY = "ax:feed"
#: Exists while a feed runs.
LIVE_KEY = "ax:feed:live"
#: The time for which market time keeps the pace of an ended feed, or stays paused.
STATE_SECONDS = 3_600
#: The age of the last state from which a feed counts as ended.
LIVE_SECONDS = 5
_CACHE = timedelta(seconds=1)


class RedisFeedBeacon:
    """The published state of the running feed."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def show(self, state: FeedState) -> None:
        """Publish the state in one round trip; it must be repeated well within LIVE_SECONDS."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(_STATE_KEY, msgspec.json.encode(state), ex=STATE_SECONDS)
        pipeline.set(LIVE_KEY, state.source, ex=LIVE_SECONDS)
        pipeline.execute()

    def read(self) -> FeedState | None:
        """Return the last state of the running feed, None where no feed runs."""
        live, stored = cast("list[bytes | None]", self._client.mget([LIVE_KEY, _STATE_KEY]))
        return None if live is None or stored is None else _decoded(stored)

    def hide(self) -> None:
        """Publish that no feed runs.  Market time continues at the same pace."""
        self._client.delete(LIVE_KEY)


class MarketClock:
    """Returns market time, UTC.

    While the pace of the feed is unchanged, a wall time always has the same market time.  The state of
    the feed is cached for a second.  While Redis is unavailable, the last state is used.
    """

    def __init__(self, client: Redis, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._state: FeedState | None = None
        self._read_at = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at(self._clock())

    def at(self, wall: datetime) -> datetime:
        """Return where the market is, was or will be at a time of the wall clock."""
        now = self._clock()
        # A wall clock that was set back must not keep the cached state for ever.
        if not timedelta() <= now - self._read_at < _CACHE:
            self._state, self._read_at = self._read(), now
        if self._state is None:
            return wall
        return self._state.market_at(wall)

    def is_continuous(self) -> bool:
        """Return whether the feed's market trades around the clock."""
        self()
        return self._state is not None and self._state.is_continuous

    def is_live(self) -> bool:
        """Return whether a feed runs."""
        return bool(self._client.exists(LIVE_KEY))

    def _read(self) -> FeedState | None:
        try:
            stored = cast("bytes | None", self._client.get(_STATE_KEY))
        except RedisError as error:
            log.warning("market_clock.unreachable", error=str(error))
            return self._state
        return None if stored is None else _decoded(stored)


def _decoded(stored: bytes) -> FeedState:
    return msgspec.json.decode(stored, type=FeedState)
