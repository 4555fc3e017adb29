"""Sessions that hold a lock: one that works all the while, and one that has fallen silent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from angel_x.adapters.postgres.silent_sessions import SILENT_SECONDS
from tests.integration.api.running import wait_until

_WORKS = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
_SILENT = f"""
SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'idle in transaction'
    AND state_change < clock_timestamp() - interval '{SILENT_SECONDS} seconds'
"""


def lock_of_account(user_id: int) -> str:
    return f"SELECT FROM users WHERE id = {user_id} FOR NO KEY UPDATE"


@contextmanager
def working_holder(engine: Engine, lock: str) -> Iterator[int]:
    """Hold a lock from within a long statement; yield the session's process id."""
    with engine.connect() as connection, ThreadPoolExecutor(1) as thread:
        pid = _patient(connection)
        working = thread.submit(connection.exec_driver_sql, f"{lock}; SELECT pg_sleep(3600)")
        try:
            wait_until(lambda: _is(engine, _WORKS, pid))
            yield pid
        finally:
            _ask(engine, "SELECT pg_cancel_backend(%s)::int", pid)
            assert isinstance(working.exception(), DBAPIError), "the statement was cut short"


@contextmanager
def silent_holder(engine: Engine, lock: str) -> Iterator[int]:
    """Hold a lock in a session that has been silent for long; yield its process id.

    It may be ended meanwhile.
    """
    with engine.connect() as connection:
        pid = _patient(connection)
        connection.exec_driver_sql(lock)
        wait_until(lambda: _is(engine, _SILENT, pid))
        yield pid
        connection.invalidate()


def is_connected(engine: Engine, pid: int) -> bool:
    return _is(engine, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid)


def _patient(connection: Connection) -> int:
    """Begin a transaction that no time limit ends, however slow the machine; return its process id."""
    connection.exec_driver_sql(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
    )
    found: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    return found


def _is(engine: Engine, query: str, pid: int) -> bool:
    return _ask(engine, query, pid) == 1


def _ask(engine: Engine, query: str, pid: int) -> int:
    with engine.connect() as connection:
        found: int = connection.exec_driver_sql(query, (pid,)).scalar_one()
        return found
