"""The connection pool of one process."""

from __future__ import annotations

from select import POLLIN, poll
from time import perf_counter
from typing import TYPE_CHECKING, Any

import structlog
from psycopg2.errors import ReadOnlySqlTransaction
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DisconnectionError, OperationalError

from angel_x.adapters.postgres.prepared import EXECUTE, STALE
from angel_x.domain.operations.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import ExceptionContext

log = structlog.get_logger()

_STARTED = "angel_x_started"


def make_engine(
    url: str,
    *,
    pool_size: int,
    max_pool_size: int,
    acquire_seconds: float = 5,
    query_timeout_seconds: float = 30,
    lock_seconds: float = 10,
    idle_seconds: float = 60,
) -> Engine:
    """Return an engine whose pool belongs to the calling process.

    A statement that runs longer than ``query_timeout_seconds`` is canceled by the server, and one
    that waits for a lock for longer than ``lock_seconds`` too: a task must fail, not be killed.  A
    process that stops within a transaction loses it, with its locks, after ``idle_seconds``.  A
    broken network is noticed within seconds (keep-alives), and connections are renewed hourly.  A
    connection that the server has ended while it was not in use is replaced before its next use.
    """
    limits = {
        "statement_timeout": query_timeout_seconds,
        "lock_timeout": lock_seconds,
        "idle_in_transaction_session_timeout": idle_seconds,
    }
    options = [f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items()]
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max(0, max_pool_size - pool_size),
        pool_timeout=acquire_seconds,
        pool_recycle=3600,
        # Logs must not contain the balances of accounts.
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "options": " ".join(
                [*options, "-c timezone=UTC", "-c plan_cache_mode=force_generic_plan"]
            ),
        },
    )
    event.listen(engine, "handle_error", _named, retval=True)
    event.listen(engine, "checkout", _look)
    return engine


def _look(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401 - the driver's own class
    """Make the pool replace an ended connection, detected on its socket without a round trip.

    Between two uses a server sends nothing except the end of the connection.
    """
    if not connection.closed:
        socket = poll()
        socket.register(connection.fileno(), POLLIN)
        if not socket.poll(0):
            return
    raise DisconnectionError


def _named(context: ExceptionContext) -> OperationalError | None:
    """Call an outage by its name.

    psycopg2 raises a plain DatabaseError where a connection breaks within a message of several
    statements, as if one of them were to blame, and an InternalError where the server has become a
    standby.  No connection of the pool leads to the primary then, so all of them are given up, as they
    are where a prepared statement is gone or a migration has changed the types of its columns.
    """
    error, cause = context.sqlalchemy_exception, context.original_exception
    if isinstance(cause, ReadOnlySqlTransaction) or _is_stale(context):
        context.is_disconnect = True
    elif not context.is_disconnect or type(error) is not DatabaseError:
        return None
    statement, params = (error.statement, error.params) if error else (None, None)
    return OperationalError(
        statement, params, cause, hide_parameters=True, connection_invalidated=True
    )


def _is_stale(context: ExceptionContext) -> bool:
    is_prepared = (context.statement or "").startswith(EXECUTE)
    return is_prepared and isinstance(context.original_exception, STALE)


def watch_queries(
    engine: Engine, observe: Callable[[Metric, float], None], *, slow_seconds: float
) -> None:
    """Time every statement, and log those that take longer than ``slow_seconds``."""

    def started(connection: Any, *_: object) -> None:  # noqa: ANN401 - SQLAlchemy's own shape
        connection.info[_STARTED] = perf_counter()

    def finished(connection: Any, _cursor: object, statement: str, *_: object) -> None:  # noqa: ANN401
        elapsed = perf_counter() - connection.info[_STARTED]
        observe(Metric.DB_QUERY_SECONDS, elapsed)
        if elapsed > slow_seconds:
            log.warning("query.slow", seconds=round(elapsed, 3), statement=statement[:200])

    event.listen(engine, "before_cursor_execute", started)
    event.listen(engine, "after_cursor_execute", finished)
