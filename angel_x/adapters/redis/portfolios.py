"""The valued portfolios in the cache, and the set of accounts that changed since they were valued."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from redis import Redis

_DIRTY = "ax:portfolio:dirty"
_TURN = "ax:portfolio:turn"


class RedisPortfolioCache:
    """Encoded portfolios that vanish after ``ttl_seconds``, and the dirty marks, which do not."""

    def __init__(self, client: Redis, ttl_seconds: int) -> None:
        self._client = client
        self._ttl_seconds = ttl_seconds

    def put(self, portfolios: Mapping[int, bytes]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for user_id, encoded in portfolios.items():
            pipeline.set(_key(user_id), encoded, ex=self._ttl_seconds)
        pipeline.execute()

    def get(self, user_id: int) -> bytes | None:
        return cast("bytes | None", self._client.get(_key(user_id)))

    def mark_dirty(self, user_ids: Collection[int]) -> list[int]:
        ordered = sorted(set(user_ids))
        pipeline = self._client.pipeline(transaction=False)
        for user_id in ordered:
            pipeline.sadd(_DIRTY, user_id)
        return [u for u, added in zip(ordered, pipeline.execute(), strict=True) if added]

    def dirty(self) -> set[int]:
        members = cast("set[bytes]", self._client.smembers(_DIRTY))
        return {int(member) for member in members if member.isdigit()}

    def next_turn(self) -> int:
        """Return a number one above that of the last call."""
        return self._client.incr(_TURN)

    def clear_dirty(self, user_ids: Collection[int]) -> None:
        """Take the marks off.  Do so before reading, so that a change in between marks again."""
        if user_ids:
            self._client.srem(_DIRTY, *user_ids)


def _key(user_id: int) -> str:
    return f"ax:portfolio:{user_id}"
