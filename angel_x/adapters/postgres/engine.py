"""The connection pool of one process."""

from __future__ import annotations

from functools import partial
from select import POLLIN, poll
from time import perf_counter
from typing import TYPE_CHECKING, Any

import structlog
from psycopg2.errors import ReadOnlySqlTransaction
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneInTime
from sqlalchemy.pool import QueuePool

from angel_x.adapters.postgres.driver import PromisingConnection, Unreplicated
from angel_x.adapters.postgres.prepared import EXECUTE, IN_TRANSACTION, STALE
from angel_x.domain.operations.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.pool import PoolProxiedConnection

log = structlog.get_logger()

_STARTED = "angel_x_started"
#: Errors of a server that is no primary, or not for long.
_NO_PRIMARY = (ReadOnlySqlTransaction, Unreplicated)


#: The options of a statement whose result is not streamed, under any option of its connection.
_WHOLE = {"stream_results": False, "yield_per": None}


def make_engine(  # noqa: PLR0913 - each is a limit of its own
    url: str,
    *,
    pool_size: int,
    max_pool_size: int,
    acquire_seconds: float = 5,
    query_timeout_seconds: float = 30,
    lock_seconds: float = 10,
    idle_seconds: float = 60,
    commit_seconds: float = 10,
    pools_transactions: bool = False,
    exhausted: Callable[[], None] = lambda: None,
) -> Engine:
    """Return an engine whose pool belongs to the calling process.

    A statement that runs longer than ``query_timeout_seconds`` is canceled by the server, and one
    that waits for a lock for longer than ``lock_seconds`` too: a task must fail, not be killed.  A
    process that stops within a transaction loses it, with its locks, after ``idle_seconds``.  A commit
    without an answer for ``commit_seconds``, as of a primary that has lost its standby, is given up.  A
    broken network is noticed within seconds (keep-alives), and connections are renewed hourly.  A
    connection that the server has ended while it was not in use is replaced before its next use.

    With ``pools_transactions`` a pooler before the server may give each transaction another session:
    limits are then set in each transaction, and statements are not prepared.  ``exhausted`` is called where
    a connection was asked for and none was free within ``acquire_seconds``.
    """
    limits = {
        "statement_timeout": query_timeout_seconds,
        "lock_timeout": lock_seconds,
        "idle_in_transaction_session_timeout": idle_seconds,
    }
    session = {
        **{name: str(int(seconds * 1000)) for name, seconds in limits.items()},
        "timezone": "UTC",
        "plan_cache_mode": "force_generic_plan",
    }
    options = " ".join(f"-c {name}={value}" for name, value in session.items())
    engine = create_engine(
        url,
        poolclass=_counting(exhausted),
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
            # A host that is gone acknowledges nothing; the kernel would send again for a quarter of an hour.
            "tcp_user_timeout": 10_000,
            "connection_factory": partial(PromisingConnection, commit_seconds=commit_seconds),
            **({} if pools_transactions else {"options": options}),
        },
    )
    if pools_transactions:
        engine.update_execution_options(**{IN_TRANSACTION: True})
        _set_in_transactions(engine, session)
    event.listen(engine, "handle_error", _named, retval=True)
    event.listen(engine, "checkout", _look)
    return engine


def _counting(exhausted: Callable[[], None]) -> type[QueuePool]:
    """Return a pool that reports when it has no free connection in time."""

    class CountingPool(QueuePool):
        def connect(self) -> PoolProxiedConnection:
            try:
                return super().connect()
            except NoneInTime:
                exhausted()
                raise

    return CountingPool


def _set_in_transactions(engine: Engine, session: Mapping[str, str]) -> None:
    """Set the parameters of a session at the start of each transaction."""
    settings = "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in session.items())

    def begun(connection: Connection) -> None:
        # A connection whose results are streamed would declare a cursor for it.
        connection.exec_driver_sql(settings, execution_options=_WHOLE)

    event.listen(engine, "begin", begun)


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
    are where a commit was not replicated, a prepared statement is gone or a migration has changed the types of its columns.
    """
    error, cause = context.sqlalchemy_exception, context.original_exception
    if isinstance(cause, _NO_PRIMARY) or _is_stale(context):
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
