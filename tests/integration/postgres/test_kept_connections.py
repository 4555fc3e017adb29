"""Connections of the pool that the server ends, or a network resets, between and within uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers.places import POSTGRES_SOCKET
from tests.builders.breaking import WITHIN, Breaker, Manner, Moment, breaking


@pytest.fixture
def breaker(database_url: str) -> Iterator[Breaker]:
    (directory,) = parse_qs(urlsplit(database_url).query)["host"]
    with breaking(Path(directory) / POSTGRES_SOCKET) as breaker:
        yield breaker


@pytest.fixture
def engine(breaker: Breaker, database_url: str) -> Iterator[Engine]:
    yield from _engine(breaker, database_url, pings="before each use")


@pytest.fixture
def trusting(breaker: Breaker, database_url: str) -> Iterator[Engine]:
    """An engine that does not ping a connection before it is used."""
    yield from _engine(breaker, database_url, pings="")


@pytest.mark.parametrize("manner", Manner)
def test_a_connection_that_broke_unused_is_replaced_before_its_next_use(
    engine: Engine, breaker: Breaker, manner: Manner
) -> None:
    breaker.break_next(Moment.IDLE, manner)

    assert ask(engine) == 1
    assert breaker.broken == 1


@pytest.mark.parametrize("manner", Manner)
def test_without_a_ping_one_use_fails_as_an_outage_and_the_next_has_a_new_connection(
    trusting: Engine, breaker: Breaker, manner: Manner
) -> None:
    breaker.break_next(Moment.IDLE, manner)

    with pytest.raises(OperationalError):
        ask(trusting)

    assert ask(trusting) == 1
    assert breaker.broken == 1


@pytest.mark.parametrize(("moment", "manner"), WITHIN)
def test_a_statement_whose_connection_breaks_fails_as_an_outage_and_is_never_repeated(
    engine: Engine, breaker: Breaker, moment: Moment, manner: Manner
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counted (n integer)")

    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        breaker.break_next(moment, manner)
        with pytest.raises(OperationalError) as failure:
            connection.exec_driver_sql("INSERT INTO counted VALUES (1); COMMIT")
        assert failure.value.connection_invalidated

    with engine.connect() as connection:
        written = connection.exec_driver_sql("SELECT count(*) FROM counted").scalar()
    assert written == (0 if moment is Moment.IN_REQUEST else 1)


def ask(engine: Engine) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT 1").scalar()


def _engine(breaker: Breaker, database_url: str, pings: str) -> Iterator[Engine]:
    url = re.sub(r"host=[^&]*", f"host=127.0.0.1&port={breaker.port}", database_url)
    engine = make_engine(url, pool_size=1, max_pool_size=1, pre_ping=bool(pings))
    ask(engine)
    yield engine
    engine.dispose()
