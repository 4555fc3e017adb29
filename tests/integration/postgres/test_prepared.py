"""Prepared statements: planned once by a session, and followed through whatever happens to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, OperationalError

from angel_x.adapters.postgres.book_statements import ORDERS
from angel_x.adapters.postgres.book_unit import (
    _ABANDONED,
    _BUSY,
    _BY_ID,
    _CLAIM,
    _LOCK_ACCOUNTS,
    _LOCK_FREE_ACCOUNTS,
    _WITH_SLICES,
)
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.order_intake import _KNOWN
from angel_x.adapters.postgres.parent_orders import PARENTS
from angel_x.adapters.postgres.prepared import Statement, execute, numbered

COUNTED = Statement("counted", "SELECT n FROM counted WHERE n >= %(least)s ORDER BY n")
EQUAL = Statement("equal", "SELECT count(*) FROM counted WHERE n = %(wanted)s::integer")
_SESSION = "SELECT name, statement, generic_plans, custom_plans FROM pg_prepared_statements"


@pytest.fixture
def session(database_url: str) -> Iterator[Engine]:
    session = make_engine(database_url, pool_size=1, max_pool_size=1)
    with session.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counted AS SELECT n FROM generate_series(1, 3) n")
    yield session
    session.dispose()


def counted(session: Engine, least: int = 2) -> list[int]:
    with session.connect() as connection:
        return list(execute(connection, {"least": least}, COUNTED).scalars())


def prepared(connection: Connection) -> list[tuple[str, str, int, int]]:
    return [tuple(row) for row in connection.exec_driver_sql(_SESSION)]


def test_a_session_prepares_a_statement_once_and_plans_it_for_any_values(session: Engine) -> None:
    assert [counted(session, least) for least in (1, 2, 3)] == [[1, 2, 3], [2, 3], [3]]

    with session.connect() as connection:
        [(name, text, generic, custom)] = prepared(connection)
    assert name.startswith("counted_")
    assert "n >= $1" in text
    # It was planned anew before the second and the third use.
    assert (generic, custom) == (1, 0)


def test_statements_go_out_together_and_the_last_one_answers(session: Engine) -> None:
    add = Statement("add", "INSERT INTO counted SELECT %(least)s::integer + 5")

    with session.begin() as connection:
        found = execute(connection, {"least": 2}, add, COUNTED).scalars().all()

    assert found == [2, 3, 7]


def test_a_parameter_may_stand_in_a_statement_twice_beside_a_percent_sign(session: Engine) -> None:
    twice = Statement("twice", "SELECT %(word)s::text LIKE 'a%%' AND %(word)s::text <> 'a%%'")

    with session.connect() as connection:
        assert execute(connection, {"word": "ab"}, twice).scalar_one() is True


def test_a_rolled_back_transaction_leaves_its_statements_usable(session: Engine) -> None:
    with session.connect() as connection:
        execute(connection, {"least": 1}, COUNTED)
        connection.rollback()

    assert counted(session) == [2, 3]


def test_a_new_connection_prepares_anew(session: Engine) -> None:
    counted(session)
    session.dispose()

    assert counted(session) == [2, 3]


def test_a_plan_made_for_a_small_table_does_not_stay_when_the_table_has_filled(
    session: Engine,
) -> None:
    with session.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE counted SET (autovacuum_enabled = false)")
        connection.exec_driver_sql("CREATE INDEX ON counted (n)")
        execute(connection, {"wanted": 1}, EQUAL)
        connection.exec_driver_sql("INSERT INTO counted SELECT generate_series(1, 50000)")
    with session.connect() as connection:
        for _ in range(4):
            execute(connection, {"wanted": 1}, EQUAL)
        connection.exec_driver_sql("SET enable_bitmapscan = off")
        [(name,)] = connection.exec_driver_sql("SELECT name FROM pg_prepared_statements")
        plan = "\n".join(
            row[0] for row in connection.exec_driver_sql(f"EXPLAIN EXECUTE {name} (1)")
        )

    assert "Index" in plan


def test_a_migration_that_adds_columns_and_drops_an_index_disturbs_no_statement(
    session: Engine,
) -> None:
    with session.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX counted_n ON counted (n)")
    counted(session)

    with session.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE counted ADD COLUMN word text")
        connection.exec_driver_sql("DROP INDEX counted_n")

    assert counted(session) == [2, 3]


@pytest.mark.parametrize(
    "change", ["ALTER TABLE counted ALTER COLUMN n TYPE bigint", "DEALLOCATE ALL"]
)
def test_a_statement_that_is_gone_or_returns_other_types_fails_as_an_outage_once(
    session: Engine, change: str
) -> None:
    # The fourth use is none before which a statement is planned anew.
    for _ in range(3):
        counted(session)
    with session.begin() as connection:
        connection.exec_driver_sql(change)
        before = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()

    with pytest.raises(OperationalError) as failure:
        counted(session)

    assert failure.value.connection_invalidated
    assert "parameters hidden" in str(failure.value)

    assert counted(session) == [2, 3]
    with session.connect() as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != before


def test_any_other_error_of_a_prepared_statement_is_what_it_is(session: Engine) -> None:
    divide = Statement("divide", "SELECT 1 / %(divisor)s::integer")

    with session.connect() as connection:
        with pytest.raises(DataError, match="division by zero"):
            execute(connection, {"divisor": 0}, divide)
        connection.rollback()
        assert execute(connection, {"divisor": 1}, divide).scalar_one() == 1


@pytest.mark.parametrize(
    "text",
    [
        *(
            s.text
            for s in (
                _LOCK_FREE_ACCOUNTS,
                _BUSY,
                _LOCK_ACCOUNTS,
                _CLAIM,
                _BY_ID,
                _WITH_SLICES,
                _ABANDONED,
                PARENTS,
                _KNOWN,
            )
        ),
        f"WITH {ORDERS.format(amended_columns='', amended_join='')} SELECT 1",
    ],
)
def test_what_is_planned_for_empty_tables_reaches_orders_by_an_index(
    engine: Engine, text: str
) -> None:
    generic, _ = numbered(text)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {generic}").scalars()
        plan = "\n".join(rows)

    assert "Seq Scan on orders" not in plan
    assert "orders" in plan
