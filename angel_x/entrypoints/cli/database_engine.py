"""The database of a command that needs no other server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.engine import make_engine
from angel_x.errors import ServerUnavailable
from config.loading import load


@contextmanager
def database_engine() -> Iterator[Engine]:
    """Give an engine of one connection, and close it afterwards.

    Raises:
        ServerUnavailable: The database does not answer.
    """
    settings = load(os.environ)
    engine = make_engine(
        settings.needed("database_url"),
        pool_size=1,
        max_pool_size=1,
        pools_transactions=settings.pools_transactions,
    )
    try:
        yield engine
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise ServerUnavailable(f"the database does not answer: {reason}") from error
    finally:
        engine.dispose()
