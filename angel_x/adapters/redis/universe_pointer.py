"""The version of the current universe, and whether its quotes are awaited, in a few keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from angel_x.adapters.redis.market_clock import LIVE_KEY

if TYPE_CHECKING:
    from redis import Redis

_KEY = "ax:universe"
#: The version whose quotes the running feed has still to write.
_AWAITED_KEY = "ax:universe:awaited"
#: The last version whose quotes the feed has written.
_QUOTED_KEY = "ax:universe:quoted"
#: The longest wait for the feed; a feed that died in between must not hold a universe back.
_PATIENCE_SECONDS = 15


class RedisUniversePointer:
    """The version of the current universe.

    While a feed runs, a new version is current for the feed at once, and for all others when the
    feed has written its quotes: an order that meets a board without quotes would be denied.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client

    def get(self) -> str | None:
        """Return the version to use.

        None where nothing is published, Redis lost it, or the feed has still to write its quotes.
        """
        keys = [_KEY, _AWAITED_KEY, _QUOTED_KEY]
        published, awaited, quoted = cast("list[bytes | None]", self._client.mget(keys))
        if published is None or (awaited == published and quoted != published):
            return None
        return published.decode()

    def newest(self) -> str | None:
        """Return the published version, with or without quotes; None where Redis lost it."""
        stored = cast("bytes | None", self._client.get(_KEY))
        return None if stored is None else stored.decode()

    def publish(self, version: str) -> None:
        """Publish the version of the current universe, to be used once the running feed quotes it."""
        pipeline = self._client.pipeline()
        if self._client.exists(LIVE_KEY):
            pipeline.set(_AWAITED_KEY, version, ex=_PATIENCE_SECONDS)
        pipeline.set(_KEY, version)
        pipeline.execute()

    def announce(self, version: str) -> None:
        """Publish that the quotes of a version are on the board."""
        self._client.set(_QUOTED_KEY, version)
