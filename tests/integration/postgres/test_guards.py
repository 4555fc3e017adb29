"""The database itself refuses illegal moves of orders and every change of what was written down."""

from __future__ import annotations

from importlib import import_module

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from angel_x.adapters.postgres.partitions import GUARDED, TABLES, Partitions
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import ASKED, TRANSITIONS, OrderStatus
from tests.builders.orders import Market

EXCHANGE = import_module("angel_x.adapters.postgres.migrations.versions.0002_exchange")
VENUE = import_module("angel_x.adapters.postgres.migrations.versions.0005_venue")
APPEND_ONLY: tuple[str, ...] = EXCHANGE.APPEND_ONLY
CHANGES = {
    "order_events": "actor = 'nobody'",
    "ledger_entries": "amount = amount + 1",
    "fills": "price = price + 1",
    "audit_entries": "actor = 'nobody'",
}

#: What a row needs to be in a status.
_SHAPE = """
    status = :status, filled_quantity = :filled, reason = :reason,
    lease_until = CASE WHEN :is_asked THEN now() END,
    closed_at = CASE WHEN :is_closed THEN now() END
"""
_ORDER = """
INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, order_type,
    validity, product, priority, ring_at, valid_until, status, filled_quantity, reason, lease_until,
    closed_at)
VALUES (1, :name, '\\x00', 'NIFTY_25AUG26_1CE', 'BUY', 65, 'MARKET', 'DAY', 'NRML', 'normal', now(),
    now(), :status, :filled, :reason, CASE WHEN :is_asked THEN now() END,
    CASE WHEN :is_closed THEN now() END)
RETURNING id
"""


def shape(status: OrderStatus) -> dict[str, object]:
    filled = {OrderStatus.FILLED: 65, OrderStatus.PARTIALLY_FILLED: 10}.get(status, 0)
    refused = status in {OrderStatus.DENIED, OrderStatus.REJECTED}
    return {
        "status": status.value,
        "filled": filled,
        "reason": "NO_QUOTE" if refused else None,
        "is_closed": status.is_closed,
        "is_asked": status in ASKED,
    }


@pytest.fixture
def listed(engine: Engine) -> Engine:
    """A database with an account and a contract."""
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO users (name) VALUES ('demo');
            INSERT INTO contracts VALUES ('NIFTY_25AUG26_1CE', 'NIFTY', '2026-08-25', 1, 'CE', 65, 0.05,
                1800, '2026-08-25T10:10:00Z')
            """)
        )
    return engine


def move(connection: Connection, source: OrderStatus, target: OrderStatus) -> str:
    """Store an order in one status, move it to another, and return where it stands."""
    row = {"name": f"{source} {target}", **shape(source)}
    order_id = connection.execute(text(_ORDER), row).scalar_one()
    parameters = {"id": order_id, **shape(target)}
    connection.execute(text(f"UPDATE orders SET {_SHAPE} WHERE id = :id"), parameters)
    found = connection.execute(text("SELECT status FROM orders WHERE id = :id"), {"id": order_id})
    return str(found.scalar_one())


def test_the_database_knows_the_transition_table_of_the_domain() -> None:
    domain = {
        source.value: {target.value for target in targets}
        for source, targets in TRANSITIONS.items()
        if targets
    }

    assert {source: set(targets) for source, targets in VENUE.MOVES.items()} == domain


@pytest.mark.parametrize("source", OrderStatus)
def test_every_illegal_move_is_refused_and_every_legal_one_is_not(
    listed: Engine, source: OrderStatus
) -> None:
    illegal = set(OrderStatus) - {source} - TRANSITIONS[source]
    with listed.connect() as connection:
        for target in TRANSITIONS[source]:
            assert move(connection, source, target) == target
        for target in illegal:
            with (
                pytest.raises(IntegrityError, match=f"{source} cannot become {target}"),
                connection.begin_nested(),
            ):
                move(connection, source, target)


@pytest.fixture
def traded(application: Application) -> Application:
    """An application that has events, fills, a ledger and an audit."""
    market = Market.open(application)
    poison, order = market.accept(market.account(), market.request(), market.request())
    application.trading.execution.park([poison.order_id], "to be replayed")
    application.trading.execution.run([order.order_id])
    application.trading.replays.replay(poison.order_id, "cli:asha")
    return application


def content(application: Application, table: str) -> list[str]:
    with application.base.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT t::text FROM {table} t ORDER BY 1")
        found = [str(row) for (row,) in rows]
    assert found
    return found


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET {change}",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
        "TRUNCATE {table} CASCADE",
    ],
)
def test_what_was_written_down_cannot_be_changed_through_the_engine_of_the_application(
    traded: Application, table: str, statement: str
) -> None:
    before = content(traded, table)

    with (
        pytest.raises(DBAPIError, match="can only be added to"),
        traded.base.engine.begin() as connection,
    ):
        connection.exec_driver_sql(statement.format(table=table, change=CHANGES[table]))

    assert content(traded, table) == before


@pytest.mark.parametrize("statement", ["DELETE FROM orders", "TRUNCATE orders"])
def test_an_order_cannot_be_removed_from_under_its_events_and_fills(
    traded: Application, statement: str
) -> None:
    before = content(traded, "orders")

    with (
        pytest.raises(DBAPIError, match="orders are kept"),
        traded.base.engine.begin() as connection,
    ):
        connection.exec_driver_sql(statement)

    assert content(traded, "orders") == before


@pytest.mark.parametrize("table", sorted(GUARDED))
@pytest.mark.parametrize(
    "statement", ["UPDATE {part} SET {change}", "DELETE FROM {part}", "TRUNCATE {part}"]
)
def test_nor_by_the_name_of_a_partition_old_or_new(
    traded: Application, table: str, statement: str
) -> None:
    before = content(traded, table)
    # No portfolio is stored yet, and no position has moved, so these two tables begin today.
    assert Partitions(traded.base.engine, traded.base.clock).maintain() == 7 * len(TABLES) + 2
    parts = _partitions(traded.base.engine, table)
    assert len(parts) == 8
    with traded.base.engine.begin() as connection:
        # A trigger on rows needs one to refuse.
        columns = (
            "order_id, status, actor, at"
            if table == "order_events"
            else "user_id, account, amount, at"
        )
        values = "1, 'received', 'api'" if table == "order_events" else "1, 'cash', 1"
        connection.exec_driver_sql(
            f"INSERT INTO {table} ({columns}) SELECT {values}, now() + n * interval '1 day' "
            "FROM generate_series(1, 7) n"
        )

    for part in parts:
        with (
            pytest.raises(DBAPIError, match="can only be added to"),
            traded.base.engine.begin() as connection,
        ):
            connection.exec_driver_sql(statement.format(part=part, change=CHANGES[table]))

    assert set(before) < set(content(traded, table))
    assert len(content(traded, table)) == len(before) + 7


def _partitions(engine: Engine, table: str) -> list[str]:
    statement = text(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = :t ::regclass"
    )
    with engine.connect() as connection:
        return sorted(connection.execute(statement, {"t": table}).scalars())
