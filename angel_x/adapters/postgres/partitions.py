"""Daily partitions of the append-only tables: made ahead of time, dropped after retention."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import IntegrityError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

log = structlog.get_logger()

TABLES = ("order_events", "ledger_entries", "portfolio_snapshots")
#: Tables whose partitions are never dropped: the ledger is the history of the account.
KEPT_FOR_EVER = frozenset({"ledger_entries"})
#: Append-only tables.  Their partitions inherit the guard for rows, but not for TRUNCATE.
GUARDED = frozenset({"order_events", "ledger_entries"})

_EXISTING = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relname = %(table)s ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Maintained:
    """The result of one round of maintenance."""

    made: int
    dropped: int


class Partitions:
    """Keeps the partitions in step with the calendar.  A second call changes nothing."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        *,
        days_ahead: int = 7,
        days_kept: int = 365,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._days_ahead = days_ahead
        self._days_kept = days_kept

    def maintain(self) -> Maintained:
        """Make the partitions of the coming days and drop those past retention."""
        today = self._clock().date()
        made = dropped = 0
        for table in TABLES:
            existing = set(self._existing(table))
            for offset in range(1, self._days_ahead + 1):
                day = today + timedelta(days=offset)
                if _name(table, day) not in existing:
                    made += self._make(table, day)
            if table not in KEPT_FOR_EVER:
                dropped += self._drop_before(table, existing, today)
        log.info("partitions.maintained", made=made, dropped=dropped)
        return Maintained(made, dropped)

    def _existing(self, table: str) -> Iterator[str]:
        with self._engine.connect() as connection:
            yield from (n for (n,) in connection.exec_driver_sql(_EXISTING, {"table": table}))

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

    def _drop_before(self, table: str, existing: set[str], today: date) -> int:
        oldest = _name(table, today - timedelta(days=self._days_kept))
        past = sorted(n for n in existing if n < oldest and not n.endswith("_default"))
        with self._engine.begin() as connection:
            for name in past:
                _detach(connection, table, name)
        return len(past)


def _detach(connection: Connection, table: str, name: str) -> None:
    connection.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {name}")
    connection.exec_driver_sql(f"DROP TABLE {name}")


def _name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"
