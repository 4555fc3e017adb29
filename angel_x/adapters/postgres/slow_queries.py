"""The statements that have taken most of the server's time, from ``pg_stat_statements``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg2.errors import ObjectNotInPrerequisiteState, UndefinedTable
from sqlalchemy.exc import DBAPIError

from angel_x.errors import StatisticsMissing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_SLOWEST = """
SELECT calls, total_exec_time, mean_exec_time, max_exec_time, rows::float8 / greatest(calls, 1) AS rows_a_call,
    regexp_replace(query, '\\s+', ' ', 'g') AS statement
FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT %(limit)s
"""
_IS_AVAILABLE = "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'"
_PRELOADED = "SELECT current_setting('shared_preload_libraries') LIKE '%%pg_stat_statements%%'"
_INSTALL = (
    "pg_stat_statements is not installed: install the contrib package of this PostgreSQL "
    "(Debian: postgresql-contrib); the servers of `angel-x up` come without it"
)
_PRELOAD = (
    "pg_stat_statements is not loaded: add it to shared_preload_libraries in postgresql.conf, restart "
    "the server, then run CREATE EXTENSION pg_stat_statements"
)
_CREATE = "pg_stat_statements is not created: run CREATE EXTENSION pg_stat_statements as its owner"


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """Counts of a statement since they were last reset; times in milliseconds."""

    calls: int
    total_ms: float
    mean_ms: float
    max_ms: float
    rows_a_call: float
    statement: str


def slow_queries(engine: Engine, limit: int) -> list[SlowQuery]:
    """Return the statements with the longest total time, the longest first.

    Raises:
        StatisticsMissing: The extension is not installed, loaded or created.
    """
    with engine.connect() as connection:
        try:
            found = connection.exec_driver_sql(_SLOWEST, {"limit": limit}).all()
        except DBAPIError as error:
            if not isinstance(error.orig, UndefinedTable | ObjectNotInPrerequisiteState):
                raise
            connection.rollback()
            raise StatisticsMissing(_remedy(connection)) from None
    return [SlowQuery(*row) for row in found]


def _remedy(connection: Connection) -> str:
    if not connection.exec_driver_sql(_IS_AVAILABLE).scalar_one():
        return _INSTALL
    return _CREATE if connection.exec_driver_sql(_PRELOADED).scalar_one() else _PRELOAD
