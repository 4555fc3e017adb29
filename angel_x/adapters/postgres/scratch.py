"""A database beside the one of the system, for work that must not touch its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg2.errors import InsufficientPrivilege
from sqlalchemy.exc import ProgrammingError

from angel_x.adapters.postgres.engine import make_engine
from angel_x.errors import ServerUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: One at a time: the rest of a killed command is dropped by the next.
DATABASE = "angel_x_scratch"
#: Filling a table of a million rows is one statement.
_PATIENCE_SECONDS = 3600.0


@contextmanager
def scratch_database(engine: Engine) -> Iterator[Engine]:
    """Create an empty database on the server of an engine, and drop it afterwards.

    Raises:
        ServerUnavailable: The role of the engine may not create databases.
    """
    try:
        _administer(engine, f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE}")
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        role = engine.url.username
        raise ServerUnavailable(
            f"a scratch database needs a role that may create one: ALTER ROLE {role} CREATEDB"
        ) from None
    scratch = make_engine(
        engine.url.set(database=DATABASE).render_as_string(hide_password=False),
        pool_size=1,
        max_pool_size=1,
        query_timeout_seconds=_PATIENCE_SECONDS,
    )
    try:
        yield scratch
    finally:
        scratch.dispose()
        _administer(engine, f"DROP DATABASE {DATABASE} WITH (FORCE)")


def _administer(engine: Engine, *statements: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
