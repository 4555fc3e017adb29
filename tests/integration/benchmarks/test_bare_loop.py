from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from sqlalchemy import Engine

from angel_x.adapters.servers.urls import libpq_url
from benchmarks.bare.replay import replay
from benchmarks.bare.written import Opening, Written, read_opening, read_written
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.stored import UNIVERSE, A, insert, insert_order, select

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a small name

    from tests.plugins.servers import DatabaseFactory

AT = "2026-08-19T07:00:01Z"


@pytest.fixture
def account(engine: Engine) -> int:
    list_contracts(engine, UNIVERSE)
    (user_id,) = open_accounts(engine, 1)
    return user_id


@pytest.fixture
def database(engine: Engine, migrated_url: str) -> Iterator[Connection]:
    with closing(psycopg2.connect(libpq_url(migrated_url))) as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture
def empty_url(databases: DatabaseFactory, migrated_database: str) -> Iterator[str]:
    with databases.fresh(template=migrated_database) as url:
        yield libpq_url(url)


def fill(engine: Engine, user_id: int, name: str, side: str, price: str) -> None:
    order_id = insert_order(
        engine, user_id, name, side=side, order_type="MARKET", quantity=65, status="filled", filled_quantity=65,
        average_price=price, closed_at=AT,
    )  # fmt: skip
    for status in ("received", "filled"):
        insert(engine, "order_events", order_id=order_id, status=status, actor="test")
    insert(engine, "fills", execution_id=name, order_id=order_id, user_id=user_id, symbol=A,
           side=side, quantity=65, price=price)  # fmt: skip
    for kind, amount in (("cash", "-6500"), ("position", "6474"), ("charges", "26")):
        insert(engine, "ledger_entries", user_id=user_id, order_id=order_id, account=kind,
               amount=amount)  # fmt: skip


def round_trip(engine: Engine, user_id: int) -> None:
    fill(engine, user_id, "load-1", "BUY", "100.00")
    fill(engine, user_id, "load-2", "SELL", "101.50")
    insert(engine, "positions", user_id=user_id, portfolio_id=user_id, symbol=A, product="NRML",
           status="CLOSED", quantity=0, cost=0, realised_pnl="97.50", exit_time=AT)  # fmt: skip
    insert(engine, "trades", user_id=user_id, symbol=A, status="CLOSED", side="BUY", quantity=65,
           entry_price="100.00", exit_price="101.50", realised_pnl="97.50", closed_at=AT)  # fmt: skip


def written(database: Connection, opening: Opening) -> Written:
    return read_written(database, opening, "load")


@pytest.mark.parametrize("batch", [1, 50])
def test_a_bare_loop_writes_the_rows_that_a_system_wrote(
    batch: int, engine: Engine, account: int, database: Connection, empty_url: str
) -> None:
    opening = read_opening(database)
    round_trip(engine, account)

    result = replay(empty_url, written(database, opening), batch)

    assert result.orders == 2
    with closing(psycopg2.connect(empty_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT status, filled_quantity, closed_at > accepted_at FROM orders")
        assert cursor.fetchall() == [("filled", 65, True)] * 2
        cursor.execute("SELECT status, quantity, realised_pnl::text FROM positions")
        assert cursor.fetchall() == [("CLOSED", 0, "97.50")]
        cursor.execute("SELECT side, entry_price::text, exit_price::text FROM trades")
        assert cursor.fetchall() == [("BUY", "100.0000", "101.5000")]
        cursor.execute("SELECT (SELECT count(*) FROM fills), (SELECT count(*) FROM ledger_entries)")
        assert cursor.fetchall() == [(2, 6)]


def test_a_bare_loop_that_writes_fewer_rows_is_refused(
    engine: Engine, account: int, database: Connection, empty_url: str
) -> None:
    opening = read_opening(database)
    round_trip(engine, account)
    insert(engine, "positions", user_id=account, portfolio_id=account, symbol=A, product="MIS",
           status="OPEN", quantity=65, cost=6500)  # fmt: skip

    with pytest.raises(RuntimeError, match=r"'positions': 1.*'positions': 2"):
        replay(empty_url, written(database, opening), 50)


def test_a_load_begins_with_the_positions_that_were_open(
    engine: Engine, account: int, database: Connection, empty_url: str
) -> None:
    fill(engine, account, "before-1", "BUY", "100.00")
    insert(engine, "positions", user_id=account, portfolio_id=account, symbol=A, product="NRML",
           status="OPEN", quantity=65, cost=6500)  # fmt: skip
    opening = read_opening(database)
    fill(engine, account, "load-2", "SELL", "101.50")
    insert(engine, "trades", user_id=account, symbol=A, status="CLOSED", side="BUY", quantity=65,
           entry_price="100.00", exit_price="101.50", realised_pnl="97.50", closed_at=AT)  # fmt: skip

    assert replay(empty_url, written(database, opening), 1).orders == 1


def test_rows_of_a_table_that_the_loop_does_not_write_are_refused(
    engine: Engine, account: int, database: Connection
) -> None:
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE executions (order_id bigint)")
    opening = read_opening(database)
    round_trip(engine, account)
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO executions VALUES (1), (2)")
        cursor.execute("SELECT pg_stat_force_next_flush()")

    with pytest.raises(RuntimeError, match="does not write: executions"):
        written(database, opening)


def test_the_naive_backend_fits_the_tables(
    engine: Engine, account: int, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAIVE_DATABASE_URL", migrated_url)
    monkeypatch.setenv("NAIVE_BROKER_URL", "memory://")
    from benchmarks.naive import work  # noqa: PLC0415 - it reads its environment when imported

    work.forget()
    order_id = insert_order(engine, account, "one", quantity=65)
    work.execute(order_id)
    work.forget()

    assert select(engine, "SELECT status, filled_quantity FROM orders") == [("filled", 65)]
    assert select(engine, "SELECT sum(amount)::text FROM ledger_entries") == [("0.00",)]
