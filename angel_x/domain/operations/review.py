"""Reviews of a running system: weekly and monthly, each compared with the one before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

#: A time that has grown by so much is named.
_SLOWER = 1.5
#: Milliseconds below which a growth is noise.
_NOISE_MS = 1.0
#: From there on more of it is advised.
_LONGEST_WAIT_MS = 1000.0
_FULL = 0.8


class ReviewKind(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    def is_due(self, last: date | None, today: date) -> bool:
        """Return whether the week or the month of the last review is over."""
        if last is None:
            return True
        if self is ReviewKind.WEEKLY:
            return today.isocalendar()[:2] > last.isocalendar()[:2]
        return (today.year, today.month) > (last.year, last.month)


@dataclass(frozen=True, slots=True)
class ReviewedStatement:
    """One of the statements that take most of the server's time, which is in milliseconds."""

    statement: str
    calls: int
    mean_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class ReviewedTable:
    """A table with the bytes of itself, of its indexes, and of the rows that it no longer needs."""

    name: str
    bytes: int
    index_bytes: int
    bloat_bytes: int


@dataclass(frozen=True, slots=True)
class UnusedIndex:
    """An index that no statement has read since the statistics were reset."""

    name: str
    table: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Change:
    """A time that has grown since the review before, in milliseconds."""

    name: str
    before_ms: float
    now_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The load against the pools and workers that carry it."""

    #: The 99th percentile of the wait of canaries, by queue, in milliseconds.
    waits_ms: Mapping[str, float]
    #: Connections to the database, open and allowed.
    connections: int
    max_connections: int
    #: The largest process and the threshold, in megabytes.
    largest_mb: float
    memory_threshold_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review."""

    kind: ReviewKind
    at: datetime
    statements: tuple[ReviewedStatement, ...]
    tables: tuple[ReviewedTable, ...]
    unused_indexes: tuple[UnusedIndex, ...]
    #: Times in milliseconds by name: round trips, a commit, a query, and all that is timed.
    times_ms: Mapping[str, float]
    #: Times that have grown since the review of this kind before.
    slower: tuple[Change, ...]
    hints: tuple[str, ...]


def slower(before: Mapping[str, float], now: Mapping[str, float]) -> tuple[Change, ...]:
    """Return the times that have grown by half or more, the worst first."""
    grown = [
        Change(name, before[name], ms)
        for name, ms in now.items()
        if name in before and ms > before[name] * _SLOWER and ms - before[name] > _NOISE_MS
    ]
    return tuple(sorted(grown, key=lambda c: c.before_ms / c.now_ms))


def hints(load: Load) -> Iterator[str]:
    """Yield advice where pools or workers no longer fit the load."""
    for queue, ms in sorted(load.waits_ms.items()):
        if ms > _LONGEST_WAIT_MS:
            yield f"messages wait {ms:,.0f} ms on {queue}: run more processes of the worker that takes it"
    if load.connections > _FULL * load.max_connections:
        yield (
            f"{load.connections} of {load.max_connections} connections to the database are open: raise "
            "max_connections, lower ANGEL_X_DB_MAX_POOL_SIZE, or put pgbouncer before the server"
        )
    if load.largest_mb > _FULL * load.memory_threshold_mb:
        yield (
            f"a process has {load.largest_mb:,.0f} MB of the {load.memory_threshold_mb:,.0f} MB of "
            "ANGEL_X_MEMORY_ALERT_THRESHOLD_MB: see `angel-x profile memory`"
        )
