"""The role of the metrics process reads all that it shows, and neither keys nor addresses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from angel_x.adapters.postgres.grants import READER, SECRET
from angel_x.bootstrap import Application
from angel_x.entrypoints.metrics import sources
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.builders.roles import under_role


@pytest.fixture
def reading(engine: Engine, environ: dict[str, str]) -> Iterator[Application]:
    """The metrics process beside a system that has traded."""
    with application_on(environ) as owner:
        market = Market.open(owner)
        (bought,) = market.accept(market.account(), market.request())
        owner.trading.execution.run([bought.order_id])
    with under_role(engine, READER), application_on(environ, role="metrics") as application:
        yield application


def test_the_reader_can_read_every_metric(reading: Application) -> None:
    with reading.base.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT current_user").scalar_one() == READER
        assert connection.exec_driver_sql("SELECT count(*) FROM fills").scalar_one() == 1

    found = {source.metric: source.read() for source in sources(reading)}

    assert len(found) > 20


def test_the_reader_can_do_nothing_else(reading: Application) -> None:
    statements = (
        *(f"SELECT FROM {table}" for table in SECRET),
        "SELECT FROM order_events_default",
        "INSERT INTO canaries DEFAULT VALUES",
        "UPDATE orders SET status = 'filled'",
        "DELETE FROM positions",
        "TRUNCATE portfolios",
        "SELECT FROM orders FOR UPDATE",
        "LOCK TABLE orders IN EXCLUSIVE MODE",
        "SELECT nextval('orders_id_seq')",
        "CREATE TABLE mine (id int)",
        "DROP TABLE orders",
    )

    assert [each for each in statements if not is_refused(reading.base.engine, each)] == []


def is_refused(engine: Engine, statement: str) -> bool:
    """Return whether a statement fails for want of a privilege."""
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    except ProgrammingError as error:
        return isinstance(error.orig, InsufficientPrivilege)
    return False
