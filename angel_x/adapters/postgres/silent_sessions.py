"""Sessions that hold a lock while their process is stopped, frozen or cut off.

PostgreSQL ends a session that is silent within a transaction with the lease of orders.  A way out does not
wait as long: it ends those that are silent for a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from angel_x.adapters.postgres.book_unit import CONTROLS_LOCK

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = structlog.get_logger()

#: Of a process that runs, a moment between two statements.
SILENT_SECONDS = 1.0
_END = """
SELECT a.pid, a.application_name, pg_terminate_backend(a.pid) AS is_ended FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()
    AND a.state IN ('idle in transaction', 'idle in transaction (aborted)')
    AND a.state_change < clock_timestamp() - make_interval(secs => %(silent)s::float8)
    AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND {lock})
"""
# Everybody who decides orders has locked rows of accounts.
_ACCOUNTS = _END.format(lock="l.relation = 'users'::regclass AND l.mode = 'RowShareLock'")
_CONTROLS = _END.format(
    lock=f"l.locktype = 'advisory' AND (l.classid::bigint << 32 | l.objid::bigint) = {CONTROLS_LOCK}"
)


def end_silent_deciders(connection: Connection) -> int:
    """End the silent sessions that hold accounts; return how many there were."""
    return _ended(connection, _ACCOUNTS)


def end_silent_readers_of_controls(connection: Connection) -> int:
    """End the silent sessions that have read the trading states; return how many there were."""
    return _ended(connection, _CONTROLS)


def _ended(connection: Connection, statement: str) -> int:
    found = connection.exec_driver_sql(statement, {"silent": SILENT_SECONDS}).all()
    for row in found:
        log.warning("session.ended", pid=row.pid, application=row.application_name)
    return len(found)
