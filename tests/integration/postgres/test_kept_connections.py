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
def url(breaker: Breaker, database_url: str) -> str:
    return re.sub(r"host=[^&]*", f"host=127.0.0.1&port={breaker.port}", database_url)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = make_engine(url, pool_size=1, max_pool_size=1)
    ask(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("manner", Manner)
def test_a_connection_that_broke_unused_is_replaced_before_its_next_use(
    engine: Engine, breaker: Breaker, manner: Manner
) -> None:
    breaker.break_next(Moment.IDLE, manner)

    assert ask(engine) == 1
    assert breaker.broken == 1


def test_the_first_request_of_a_use_is_its_own(engine: Engine, breaker: Breaker) -> None:
    breaker.break_next(Moment.IN_REQUEST, Manner.END)

    # A ping would have met the break, and the statement a new connection.
    with pytest.raises(OperationalError):
        ask(engine)

    assert ask(engine) == 1
    assert breaker.broken == 1


def test_a_closed_connection_is_replaced_before_its_next_use(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.close()

    assert ask(engine) == 1


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
