"""The latest memory report of every process of every node, in one hash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, cast

import msgspec
from redis import Redis

from angel_x.domain.operations.memory_report import MemoryReport

KEY = "ax:memory"


class MemoryBoard:
    def __init__(self, cache: Redis) -> None:
        self._cache = cache

    def write(self, reports: Iterable[MemoryReport]) -> None:
        """Replace the reports of these processes."""
        fields: Any = {r.process: msgspec.json.encode(asdict(r)) for r in reports}
        if fields:
            self._cache.hset(KEY, mapping=fields)

    def read(self) -> dict[str, MemoryReport]:
        """Return all reports by process."""
        stored = cast("dict[bytes, bytes]", self._cache.hgetall(KEY))
        reports = (msgspec.json.decode(value, type=MemoryReport) for value in stored.values())
        return {report.process: report for report in reports}

    def forget(self, processes: Iterable[str]) -> None:
        """Remove the reports of processes that are gone."""
        names = list(processes)
        if names:
            self._cache.hdel(KEY, *names)
