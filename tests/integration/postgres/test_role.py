"""The role of the application trades, and cannot rewrite what was written down."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from angel_x.adapters.postgres.grants import APPEND_ONLY, ROLE
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Side
from angel_x.domain.records.audit import AuditFilter
from config.queues import QueueName
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.builders.roles import under_role


@pytest.fixture
def application(engine: Engine, environ: dict[str, str]) -> Iterator[Application]:
    """The application in a database where every connection from now on has the role."""
    with under_role(engine, ROLE), application_on(environ) as built:
        yield built


@pytest.fixture
def traded(application: Application) -> Application:
    """The application after it has done whatever orders need."""
    market = Market.open(application)
    user = market.account()
    poison, bought, resting, held = market.accept(
        user,
        market.request(),
        market.request(),
        market.request(limit="90.00"),
        market.request(limit="90.00"),
    )
    application.trading.execution.park([poison.order_id], "to be replayed")
    application.trading.execution.run([bought.order_id])
    application.trading.cancellation.cancel(user, resting.order_id)
    application.trading.replays.replay(poison.order_id, "cli:asha")
    application.people.limits.put(None, {"max_order_quantity": Decimal(1800)}, "cli")
    application.trading.relay.sweep()
    application.operations.canaries.send()
    application.operations.canaries.hear(QueueName.HIGH, application.base.clock())
    application.analytics.portfolios.update([user])
    assert set(market.statuses().values()) == {
        "denied",
        "filled",
        "canceled",
        "working",
        "received",
    }
    assert market.statuses()[held.order_id] == "working"
    market.assert_invariants()
    return application


def test_the_application_does_its_work_under_the_role(traded: Application) -> None:
    with traded.base.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT current_user").scalar_one() == ROLE

    page = traded.operations.audit.entries(AuditFilter(), after=None, limit=10)
    assert {entry.action for entry in page.entries} == {"order.replayed", "limit.set"}


def test_shorts_are_margined_and_contracts_listed_under_the_role(application: Application) -> None:
    market = Market.open(application)
    (sold,) = market.accept(market.account(), market.request(Side.SELL))
    application.trading.execution.run([sold.order_id])
    universe = application.market.universes.current()
    application.analytics.greeks.compute_chunk(
        universe.version, 0, len(universe), application.base.clock()
    )
    application.analytics.greeks_archive.snapshot()
    application.analytics.greeks_archive.forget()

    listed = application.market.contracts.load_generated()

    with application.base.engine.connect() as connection:
        held = connection.exec_driver_sql("SELECT sum(margin) FROM margins").scalar_one()
        assert connection.exec_driver_sql("SELECT current_user").scalar_one() == ROLE
    assert held > 100_000
    assert listed.listed > 400


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET at = at",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
        "DROP TABLE {table}",
        "DROP TRIGGER {table}_only_grow ON {table}",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "ALTER TABLE {table} OWNER TO CURRENT_USER",
    ],
)
def test_the_role_can_add_to_what_was_written_down_and_no_more(
    traded: Application, table: str, statement: str
) -> None:
    before = _count(traded, table)

    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        traded.base.engine.begin() as connection,
    ):
        connection.exec_driver_sql(statement.format(table=table))

    assert _count(traded, table) == before


@pytest.mark.parametrize("table", ["order_events", "ledger_entries"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {} DEFAULT VALUES"]
)
def test_the_role_cannot_touch_a_partition(traded: Application, table: str, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        traded.base.engine.begin() as connection,
    ):
        connection.exec_driver_sql(statement.format(f"{table}_default"))


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "UPDATE alembic_version SET version_num = '0001'",
        "CREATE TABLE mine (id int)",
        "DROP FUNCTION refuse_change() CASCADE",
    ],
)
def test_the_role_cannot_get_around_the_guards(traded: Application, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        traded.base.engine.begin() as connection,
    ):
        connection.exec_driver_sql(statement)


def _count(application: Application, table: str) -> int:
    with application.base.engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
