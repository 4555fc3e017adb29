"""Canaries: the times of the last one sent to and taken from each queue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.rows import named, read

if TYPE_CHECKING:
    from sqlalchemy import Engine

# Of two relays the second waits for the row of the first, and then finds it too young.
_RELEASE = """
INSERT INTO canaries AS c (queue, sent_at)
SELECT queue, clock_timestamp() FROM unnest(%(queues)s::text[]) AS queue
ON CONFLICT (queue) DO UPDATE SET sent_at = excluded.sent_at
    WHERE c.sent_at <= excluded.sent_at - make_interval(secs => %(interval)s)
RETURNING queue, sent_at
"""
_HEAR = """
UPDATE canaries SET seen_at = clock_timestamp() WHERE queue = %(queue)s
RETURNING greatest(extract(epoch FROM clock_timestamp() - %(sent_at)s::timestamptz), 0)::float8
"""
# The age of a queue without any taken canary is infinite.  A queue that is consumed no more keeps its row.
_AGES = """
SELECT queue,
    coalesce(extract(epoch FROM clock_timestamp() - seen_at), 'Infinity')::float8 AS age_seconds
FROM canaries WHERE queue = ANY(%(queues)s::text[]) ORDER BY queue
"""


class _SentRow(NamedTuple):
    queue: str
    sent_at: datetime


class _AgeRow(NamedTuple):
    queue: str
    age_seconds: float


class PostgresCanaries:
    """The table ``canaries``; all times are the database's.  Ages are those of the given queues."""

    def __init__(self, engine: Engine, queues: Collection[str]) -> None:
        self._engine = engine
        self._queues = array(sorted(queues))

    def release(
        self, queues: Collection[str], interval_seconds: float
    ) -> list[tuple[str, datetime]]:
        # Sorted, so that two relays lock the rows in the same order.
        parameters = {"queues": array(sorted(queues)), "interval": interval_seconds}
        with self._engine.begin() as connection:
            rows = named(connection.exec_driver_sql(_RELEASE, parameters), _SentRow)
        return [(row.queue, row.sent_at) for row in rows]

    def hear(self, queue: str, sent_at: datetime) -> float | None:
        with self._engine.begin() as connection:
            found = connection.exec_driver_sql(_HEAR, {"queue": queue, "sent_at": sent_at})
            waited: float | None = found.scalar_one_or_none()
        return waited

    def ages(self) -> dict[str, float]:
        rows = read(self._engine, _AGES, _AgeRow, {"queues": self._queues})
        return {row.queue: row.age_seconds for row in rows}
