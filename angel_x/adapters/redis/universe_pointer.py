"""The version of the current universe, in one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from redis import Redis

_KEY = "ax:universe"


class RedisUniversePointer:
    """The version of the current universe."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def get(self) -> str | None:
        """Return the published version, None where nothing is published or Redis lost it."""
        stored = cast("bytes | None", self._client.get(_KEY))
        return None if stored is None else stored.decode()

    def publish(self, version: str) -> None:
        """Publish the version of the current universe."""
        self._client.set(_KEY, version)
