"""Daily partitions of the tables of history, made ahead of time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import IntegrityError, OperationalError

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = structlog.get_logger()

#: The column of time of each table.
_COLUMNS = {
    "order_events": "at",
    "ledger_entries": "at",
    "portfolio_snapshots": "taken_at",
    "closed_positions": "exit_time",
}
TABLES = tuple(_COLUMNS)
#: Append-only tables.  Their partitions inherit the guard for rows, but not for TRUNCATE.
GUARDED = frozenset({"order_events", "ledger_entries"})

_EXISTING = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relname = %(table)s ORDER BY 1
"""


# Validated under a lock that does not hold up writers, it spares the scan of the default partition under
# one that does.  Meanwhile the default partition refuses rows of that coming day.
_EXCLUDE = """
ALTER TABLE {0}_default ADD CONSTRAINT {0}_elsewhere CHECK ({1} < '{2}' OR {1} >= '{3}') NOT VALID;
"""
_VALIDATE = "ALTER TABLE {0}_default VALIDATE CONSTRAINT {0}_elsewhere;"
_INCLUDE = "ALTER TABLE {0}_default DROP CONSTRAINT IF EXISTS {0}_elsewhere;"
_CREATE = """
CREATE TABLE {4} (LIKE {0} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE {0} ATTACH PARTITION {4} FOR VALUES FROM ('{2}') TO ('{3}');
"""
_GUARD = """
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {4}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
# Every order waits behind a statement that waits for a lock.
_BRIEFLY = "SET LOCAL lock_timeout = '500ms';"


class Partitions:
    """Keeps the partitions in step with the calendar.  A second call changes nothing."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        *,
        days_ahead: int = 7,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._days_ahead = days_ahead

    def maintain(self) -> int:
        """Make the partitions of the coming days, and that of today in a new database; return their number."""
        made = 0
        for table in TABLES:
            is_unused = self._is_unused(table)
            for day in self._lacking(table, 0 if is_unused else 1):
                made += self._make(table, day, is_unused=is_unused)
        log.info("partitions.maintained", made=made)
        return made

    def missing(self) -> list[str]:
        """Return the names of the partitions of the coming days that do not exist."""
        return [_name(table, day) for table in TABLES for day in self._lacking(table, 1)]

    def _lacking(self, table: str, first: int) -> list[date]:
        """Return the days without a partition, from ``first`` days after today on."""
        today, known = self._clock().date(), set(existing(self._engine, table))
        days = (today + timedelta(days=offset) for offset in range(first, self._days_ahead + 1))
        return [day for day in days if _name(table, day) not in known]

    def ensure(self, table: str, day: date) -> None:
        """Make the partition of one day, such as a past one; a second call changes nothing."""
        if _name(table, day) not in existing(self._engine, table):
            self._make(table, day, is_unused=self._is_unused(table))

    def _is_unused(self, table: str) -> bool:
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(f"SELECT NOT EXISTS (SELECT FROM {table}_default)")
            return bool(found.scalar_one())

    def _make(self, table: str, day: date, *, is_unused: bool) -> int:
        """Make one partition; a day that already has rows stays in the default partition."""
        places = (
            table,
            _COLUMNS[table],
            f"{day} 00:00+00",
            f"{day + timedelta(days=1)} 00:00+00",
            _name(table, day),
        )
        creation = (_CREATE + (_GUARD if table in GUARDED else "")).format(*places)
        exclusion, inclusion = _EXCLUDE.format(*places), _INCLUDE.format(*places)
        try:
            if not is_unused:
                self._run(inclusion + exclusion)
                self._run(_VALIDATE.format(*places))
            self._run(creation + inclusion)
        except (IntegrityError, OperationalError) as error:
            log.warning("partition.skipped", table=table, day=str(day), error=str(error.orig))
            self._run(inclusion)
            return 0
        return 1

    def _run(self, statements: str) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_BRIEFLY + statements)


def existing(engine: Engine, table: str) -> list[str]:
    """Return the names of a table's partitions, the oldest first."""
    with engine.connect() as connection:
        return list(connection.exec_driver_sql(_EXISTING, {"table": table}).scalars())


def day_of(table: str, name: str) -> date | None:
    """Return the day of a partition, None for the default one."""
    text = name.removeprefix(f"{table}_")
    return (
        datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date() if text.isdecimal() else None
    )


def _name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"
