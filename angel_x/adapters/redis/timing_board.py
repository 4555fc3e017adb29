"""Times of every process, one key each, which vanishes with the process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import msgspec

from angel_x.domain.operations.timing import Timing

if TYPE_CHECKING:
    from redis import Redis

_PREFIX = "ax:timings:"
#: Processes report every ten seconds; one that does nothing keeps its times for so long.
_SECONDS = 180


class RedisTimingBoard:
    def __init__(self, cache: Redis) -> None:
        self._cache = cache

    def write(self, process: str, timings: Mapping[str, Timing]) -> None:
        """Replace the times of a process."""
        self._cache.set(_PREFIX + process, msgspec.json.encode(timings), ex=_SECONDS)

    def read(self, processes: list[str]) -> dict[str, dict[str, Timing]]:
        """Return the times of these processes, in one round trip."""
        if not processes:
            return {}
        keys = [_PREFIX + process for process in processes]
        stored = cast("list[bytes | None]", self._cache.mget(keys))
        return {
            process: msgspec.json.decode(value, type=dict[str, Timing])
            for process, value in zip(processes, stored, strict=True)
            if value is not None
        }
