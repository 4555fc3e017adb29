"""The state of the PostgreSQL server, as far as a role without special rights sees it."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

_STATE = """
SELECT current_setting('max_connections')::integer, current_setting('superuser_reserved_connections')::integer,
    (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL), (
        SELECT setting::integer FROM pg_settings WHERE name = 'log_min_duration_statement'),
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), inet_client_addr() IS NULL
"""
# Tables with rows whose plans are guesses: partitions for themselves, because the planner counts them so.
_UNANALYZED = """
SELECT relname FROM pg_stat_user_tables
WHERE schemaname = 'public' AND n_live_tup > %(rows)s AND last_analyze IS NULL AND last_autoanalyze IS NULL
ORDER BY relname
"""
# Of a full disk a server may still answer: it needs room for a table of its own and for its log.
_WRITE = """
CREATE TEMPORARY TABLE angel_x_written ON COMMIT DROP AS SELECT repeat('x', 1000) FROM generate_series(1, 500);
SELECT pg_logical_emit_message(true, 'angel-x', 'a commit');
"""
_FEW_ROWS = 1000


@dataclass(frozen=True, slots=True)
class ServerState:
    max_connections: int
    #: Of these, kept for superusers.
    reserved: int
    connected: int
    #: Milliseconds from which statements are logged; -1: none is.
    log_duration_ms: int
    is_superuser: bool
    #: Whether this session came over a Unix socket.
    is_local: bool


def read_state(engine: Engine) -> ServerState:
    with engine.connect() as connection:
        return ServerState(*connection.exec_driver_sql(_STATE).one())


def unanalyzed_tables(engine: Engine) -> list[str]:
    """Return the tables with rows and without statistics."""
    with engine.connect() as connection:
        return list(connection.exec_driver_sql(_UNANALYZED, {"rows": _FEW_ROWS}).scalars())


def analyze(engine: Engine, tables: list[str]) -> None:
    """Collect the statistics of tables, beside everything else that happens."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.exec_driver_sql(f'ANALYZE "{table}"')


def timed_write(engine: Engine) -> float:
    """Write, commit and leave nothing behind; return the seconds of it.

    Raises:
        DBAPIError: The server refuses, as for a full disk or on a standby.
    """
    with engine.connect() as connection:
        started = perf_counter()
        connection.exec_driver_sql(_WRITE)
        connection.commit()
        return perf_counter() - started
