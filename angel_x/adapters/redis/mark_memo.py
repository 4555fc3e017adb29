"""The last marking of the fleet, in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from angel_x.domain.book.marked_account import LastMarking

if TYPE_CHECKING:
    from redis import Redis

_KEY = "ax:margin:marked"


class RedisMarkMemo:
    """One key.  A value that cannot be decoded counts as lost."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def get(self) -> LastMarking | None:
        stored = cast("bytes | None", self._client.get(_KEY))
        if stored is None:
            return None
        try:
            return msgspec.json.decode(stored, type=LastMarking)
        except msgspec.DecodeError:
            return None

    def put(self, marking: LastMarking) -> None:
        self._client.set(_KEY, msgspec.json.encode(marking))
