"""Retention: partitions past their days are exported to the archive, verified, and dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import OperationalError

from angel_x.adapters.archive_files import Archive, ArchiveDamaged, Contents
from angel_x.adapters.postgres.partitions import day_of, existing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

log = structlog.get_logger()

#: Blocks of a table in one file: 16 MB, which takes about a second.
_BLOCKS = 2000
#: Seconds after which a round ends; a task has fifteen.
_BUDGET_SECONDS = 5.0

_BLOCKS_OF = "SELECT pg_relation_size('{0}') / current_setting('block_size')::bigint"
# By block, in the order on the disk: a day that is over has no writer.
_ROWS = """
SELECT to_jsonb(r)::text FROM {0} r
WHERE ctid >= format('(%%s,0)', %(first)s::bigint)::tid
    AND ctid < format('(%%s,0)', %(end)s::bigint)::tid
"""
# A statement that waits for this lock holds up all orders behind it.
_BRIEFLY = "SET LOCAL lock_timeout = '500ms'"
_HORIZON = """
INSERT INTO retention_horizons AS h (table_name, dropped_before)
VALUES (%(table)s, %(day)s::date + 1)
ON CONFLICT (table_name) DO UPDATE
    SET dropped_before = greatest(h.dropped_before, excluded.dropped_before)
"""


class Retention:
    """Keeps each table's partitions for its number of days.

    A round is short and continues where the one before has ended, so that a large day is no long
    task.  A round that fails drops nothing, and the next one tries again.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        archive: Archive,
        *,
        days: Mapping[str, int],
        on_failure: Callable[[str], None],
        budget_seconds: float = _BUDGET_SECONDS,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._archive = archive
        self._days = days
        self._on_failure = on_failure
        self._budget_seconds = budget_seconds

    def enforce(self) -> int:
        """Export and drop, for some seconds at most; return the number of dropped partitions."""
        ends_at, dropped = monotonic() + self._budget_seconds, 0
        for table, partition in list(self._past()):
            try:
                if not self._leaves(table, partition, ends_at):
                    break
            except (OSError, ArchiveDamaged, OperationalError) as error:
                self._on_failure(table)
                log.warning("partition.kept", partition=partition, error=str(error))
                continue
            dropped += 1
        return dropped

    def _past(self) -> Iterator[tuple[str, str]]:
        """Yield the partitions that are past their days, the oldest of each table first."""
        today = self._clock().date()
        for table, days in self._days.items():
            oldest = today - timedelta(days=days)
            for name in existing(self._engine, table):
                day = day_of(table, name)
                if day is not None and day < oldest:
                    yield table, name

    def _leaves(self, table: str, partition: str, ends_at: float) -> bool:
        """Export a partition and drop it; return false if the time has run out before."""
        contents = self._archive.contents(table, partition)
        with self._engine.connect() as connection:
            blocks: int = connection.exec_driver_sql(_BLOCKS_OF.format(partition)).scalar_one()
        while len(contents.parts) * _BLOCKS < blocks:
            if monotonic() > ends_at:
                return False
            self._archive.add(contents, self._rows(partition, len(contents.parts) * _BLOCKS))
        self._archive.verify(contents)
        self._drop(table, partition, contents)
        return True

    def _rows(self, partition: str, first: int) -> list[str]:
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(
                _ROWS.format(partition), {"first": first, "end": first + _BLOCKS}
            )
            return list(rows.scalars())

    def _drop(self, table: str, partition: str, contents: Contents) -> None:
        """Drop a partition whose rows are all in the archive, and note how far its table reaches back."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_BRIEFLY)
            connection.exec_driver_sql(f"LOCK TABLE {partition} IN SHARE ROW EXCLUSIVE MODE")
            _check_count(connection, partition, contents)
            connection.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {partition}")
            connection.exec_driver_sql(f"DROP TABLE {partition}")
            day: date | None = day_of(table, partition)
            connection.exec_driver_sql(_HORIZON, {"table": table, "day": day})
        log.info("partition.dropped", partition=partition, rows=contents.rows)


def _check_count(connection: Connection, partition: str, contents: Contents) -> None:
    rows = connection.exec_driver_sql(f"SELECT count(*) FROM {partition}").scalar_one()
    if rows != contents.rows:
        raise ArchiveDamaged(
            f"the archive must hold the {rows} rows of {partition}, was {contents.rows}"
        )
