"""The schema goes up and down, answers the fixed queries on an index, and refuses what must never be."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine

POSITIONS_WITH_GREEKS = """
SELECT p.id, p.symbol, g.delta, g.gamma FROM positions p LEFT JOIN greeks_snapshot g ON p.symbol = g.symbol
WHERE p.user_id = 1 AND p.status = 'OPEN' ORDER BY p.entry_time DESC;
"""
TRADES_OF_A_DAY = """
SELECT * FROM trades WHERE user_id = 1 AND status = 'CLOSED'
AND closed_at > now() - interval '24 hours' ORDER BY closed_at DESC LIMIT 1000
"""


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_the_schema_goes_up_and_down_and_up_again(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1, max_pool_size=1)

    schema.upgrade(engine)
    first = tables(engine)
    schema.downgrade(engine, "base")
    assert tables(engine) == set()
    schema.upgrade(engine)

    assert tables(engine) == first
    assert schema.current_revision(engine) == schema.head_revision()
    engine.dispose()


def test_a_second_upgrade_changes_nothing(engine: Engine) -> None:
    before = tables(engine)

    schema.upgrade(engine)

    assert tables(engine) == before


@pytest.fixture
def populated(engine: Engine) -> Engine:
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO users (name) SELECT 'user' || n FROM generate_series(1, 200) n;
            INSERT INTO contracts SELECT 'NIFTY_25AUG26_' || n || 'CE', 'NIFTY', '2026-08-25', n, 'CE', 65,
                0.05, 1800, '2026-08-25T10:10:00Z' FROM generate_series(1, 200) n;
            INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost, exit_time)
            SELECT u, u, 'NIFTY_25AUG26_' || s || 'CE', CASE WHEN s % 10 = 0 THEN 'OPEN' ELSE 'CLOSED' END,
                CASE WHEN s % 10 = 0 THEN 65 ELSE 0 END, 0, CASE WHEN s % 10 = 0 THEN NULL ELSE now() END
            FROM generate_series(1, 200) u, generate_series(1, 100) s;
            INSERT INTO greeks_snapshot (symbol, delta, gamma, as_of) SELECT symbol, 0.5, 0.001, now() FROM contracts;
            INSERT INTO trades (user_id, symbol, status, side, quantity, entry_price, exit_price, closed_at)
            SELECT u, 'NIFTY_25AUG26_1CE', 'CLOSED', 'BUY', 65, 100, 101, now() - make_interval(hours => n)
            FROM generate_series(1, 200) u, generate_series(1, 100) n;
            """)
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return engine


@pytest.mark.parametrize("query", [POSITIONS_WITH_GREEKS, TRADES_OF_A_DAY])
def test_the_fixed_queries_run_on_an_index(populated: Engine, query: str) -> None:
    with populated.connect() as connection:
        plan = "\n".join(row[0] for row in connection.execute(text(f"EXPLAIN {query}")))

    assert "Index" in plan
    assert "Seq Scan on positions" not in plan
    assert "Seq Scan on trades" not in plan


def test_the_index_of_the_design_stands_under_its_name(engine: Engine) -> None:
    indexes = {
        index["name"]: index["column_names"] for index in inspect(engine).get_indexes("positions")
    }

    assert indexes["idx_positions_user_status"] == ["user_id", "status"]


ORDER = """
INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, order_type, validity,
    product, priority, ring_at, valid_until{columns})
VALUES (1, '{client_order_id}', '\\x00', 'NIFTY_25AUG26_1CE', 'BUY', 65, 'MARKET', 'DAY', 'NRML', 'normal', now(), now(){values})
"""


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        (", filled_quantity", ", 66"),
        (", filled_quantity", ", -1"),
        (", status", ", 'filled'"),
        (", status", ", 'lost'"),
        (", status", ", 'denied'"),
        (", status, filled_quantity", ", 'received', 10"),
        (", reserved", ", 5"),
    ],
)
def test_the_database_refuses_an_order_that_cannot_be(
    populated: Engine, columns: str, values: str
) -> None:
    with pytest.raises(IntegrityError), populated.begin() as connection:
        connection.execute(text(ORDER.format(client_order_id="a", columns=columns, values=values)))

    with populated.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar_one() == 0


def test_the_database_refuses_a_second_order_under_one_client_id(populated: Engine) -> None:
    good = ORDER.format(client_order_id="a", columns="", values="")
    with populated.begin() as connection:
        connection.execute(text(good))

    with pytest.raises(IntegrityError), populated.begin() as connection:
        connection.execute(text(good))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET margin_used = 1 WHERE id = 1",
        "UPDATE users SET margin_used = -1 WHERE id = 1",
        "INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost) "
        "VALUES (1, 1, 'NIFTY_25AUG26_10CE', 'OPEN', 65, 100)",
        "UPDATE positions SET cost = -1 WHERE status = 'OPEN'",
        "INSERT INTO ledger_entries (user_id, account, amount) VALUES (1, 'cash', 0)",
        "INSERT INTO ledger_entries (user_id, account, amount) VALUES (9999, 'cash', 1)",
        "INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price) "
        "VALUES ('x', 77, 1, 'NIFTY_25AUG26_10CE', 'BUY', 65, 100)",
    ],
)
def test_the_database_refuses_books_that_cannot_be(populated: Engine, statement: str) -> None:
    with pytest.raises(IntegrityError), populated.begin() as connection:
        connection.execute(text(statement))
