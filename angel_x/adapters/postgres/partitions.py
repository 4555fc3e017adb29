"""Daily partitions of the append-only tables, made ahead of time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import IntegrityError

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = structlog.get_logger()

TABLES = ("order_events", "ledger_entries", "portfolio_snapshots")
#: Append-only tables.  Their partitions inherit the guard for rows, but not for TRUNCATE.
GUARDED = frozenset({"order_events", "ledger_entries"})

_EXISTING = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relname = %(table)s ORDER BY 1
"""


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
        """Make the partitions of the coming days, and return their number."""
        today = self._clock().date()
        made = 0
        for table in TABLES:
            known = set(existing(self._engine, table))
            for offset in range(1, self._days_ahead + 1):
                day = today + timedelta(days=offset)
                if _name(table, day) not in known:
                    made += self._make(table, day)
        log.info("partitions.maintained", made=made)
        return made

    def _make(self, table: str, day: date) -> int:
        """Make one partition; a day that already has rows stays in the default partition."""
        name, until = _name(table, day), day + timedelta(days=1)
        statement = (
            f"CREATE TABLE {name} PARTITION OF {table} "
            f"FOR VALUES FROM ('{day} 00:00+00') TO ('{until} 00:00+00')"
        )
        if table in GUARDED:
            statement += (
                f"; CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {name} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(statement)
        except IntegrityError as error:
            log.warning("partition.skipped", table=table, day=str(day), error=str(error.orig))
            return 0
        return 1


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
