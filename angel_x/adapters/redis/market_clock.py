"""The time that the market is at: what the feed says in Redis, else the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import msgspec
import structlog
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

log = structlog.get_logger()

_STATE_KEY = "ax:feed"
_LIVE_KEY = "ax:feed:live"
#: How long the market goes on at the feed's pace after the feed has gone.
STATE_SECONDS = 3_600
#: A feed that says nothing for this long is not running.
LIVE_SECONDS = 5
_CACHE = timedelta(seconds=1)


class _State(msgspec.Struct, frozen=True):
    """Where the feed stands: at wall time ``wall`` the market was at ``market``."""

    source: str
    wall: datetime
    market: datetime
    #: Seconds of the market in one second of the wall clock.
    speed: float


class RedisFeedBeacon:
    """Tells every process that a feed runs and where in market time it is."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def show(self, source: str, wall: datetime, market: datetime, speed: float) -> None:
        """Say in one round trip that the feed runs; to be repeated well within LIVE_SECONDS."""
        state = msgspec.json.encode(_State(source, wall, market, speed))
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(_STATE_KEY, state, ex=STATE_SECONDS)
        pipeline.set(_LIVE_KEY, source, ex=LIVE_SECONDS)
        pipeline.execute()

    def hide(self) -> None:
        """Say that no feed runs any more.  The market clock goes on at the same pace."""
        self._client.delete(_LIVE_KEY)


class MarketClock:
    """Returns the time that the market is at, UTC.

    What the feed says is kept for a second.  Where Redis does not answer, the last word stands.
    """

    def __init__(self, client: Redis, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._state: _State | None = None
        self._read_at = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        now = self._clock()
        # A wall clock that was set back must not make the last word stand for ever.
        if not timedelta() <= now - self._read_at < _CACHE:
            self._state, self._read_at = self._read(), now
        if self._state is None:
            return now
        return self._state.market + (now - self._state.wall) * self._state.speed

    def is_live(self) -> bool:
        """Say whether a feed runs."""
        return bool(self._client.exists(_LIVE_KEY))

    def _read(self) -> _State | None:
        try:
            stored = cast("bytes | None", self._client.get(_STATE_KEY))
        except RedisError as error:
            log.warning("market_clock.unreachable", error=str(error))
            return self._state
        return None if stored is None else msgspec.json.decode(stored, type=_State)
