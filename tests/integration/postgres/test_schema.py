"""The schema goes up and down, answers the fixed queries on an index, and refuses what must never be."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.domain.orders.order import OrderStatus
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import make_universe
from tests.builders.stored_orders import StoredOrder, store_orders

UNIVERSE = make_universe()
SYMBOL = UNIVERSE.symbols[0]

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


def test_a_million_orders_are_vacuumed_long_before_a_fifth_of_them_has_moved(
    engine: Engine,
) -> None:
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT unnest(reloptions) FROM pg_class WHERE oid = 'orders'::regclass")
        ).scalars()
        options = dict(option.split("=") for option in found)

    threshold = int(options["autovacuum_vacuum_threshold"])
    share = float(options["autovacuum_vacuum_scale_factor"])
    assert threshold + share * 1_000_000 <= 20_000


SPINE = """
INSERT INTO users (name, cash, margin_used) VALUES ('a', 100000, 19800);
INSERT INTO contracts VALUES ('NIFTY_25AUG26_1CE', 'NIFTY', '2026-08-25', 1, 'CE', 65, 0.05, 1800,
    '2026-08-25T10:10:00Z');
INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, filled_quantity,
    order_type, limit_price, validity, product, priority, status, reserved, ring_at, valid_until,
    closed_at)
SELECT 1, name, '\\x00', 'NIFTY_25AUG26_1CE', side, quantity, filled, 'LIMIT', 100, 'DAY', 'NRML',
    'normal', status, reserved, now(), now(), CASE WHEN status = 'filled' THEN now() END
FROM (VALUES ('first', 'BUY', 65, 0, 'working', 6600), ('second', 'BUY', 65, 0, 'working', 6600),
    ('part', 'BUY', 130, 65, 'partially_filled', 6600), ('sold', 'SELL', 65, 65, 'filled', 0),
    ('waits', 'BUY', 65, 0, 'received', 0)) AS t (name, side, quantity, filled, status, reserved);
-- The oldest order moves to the end of the table.
UPDATE orders SET rings = 1 WHERE client_order_id = 'first';
INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price)
SELECT id, id, 1, symbol, side, filled_quantity, 99.5 FROM orders WHERE filled_quantity > 0;
INSERT INTO order_events (order_id, status, actor) SELECT id, 'received', 'api' FROM orders;
INSERT INTO exposures (user_id, symbol) VALUES (1, 'NIFTY_25AUG26_1CE');
INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost)
VALUES (1, 1, 'NIFTY_25AUG26_1CE', 'OPEN', 65, 6467.50);
"""


def test_what_was_stored_before_stops_and_slices_were_known_keeps_its_place(
    database_url: str,
) -> None:
    engine = make_engine(database_url, pool_size=1, max_pool_size=1)
    schema.upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.exec_driver_sql(SPINE)

    schema.upgrade(engine)
    schema.downgrade(engine, "0001")
    schema.upgrade(engine)

    with engine.connect() as connection:

        def read(query: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

        resting = "SELECT client_order_id FROM orders WHERE status = 'working' ORDER BY "
        assert read(resting + "time_priority") == read(resting + "id") == [("first",), ("second",)]
        next_one = "SELECT nextval('order_time_priority') > max(time_priority) FROM orders"
        assert read(next_one) == [(True,)]
        traded = "SELECT traded_value::text FROM orders WHERE filled_quantity > 0"
        assert read(traded) == [("6467.50",)] * 2
        assert read("SELECT count(*) FROM orders WHERE held OR slices > 0") == [(0,)]
        assert read("SELECT open_orders, day_pnl::text FROM users") == [(3, "0.00")]
        assert read("SELECT open_buy_quantity, open_sell_quantity FROM exposures") == [(195, 0)]
        assert read("SELECT product, quantity FROM positions") == [("NRML", 65)]
        assert read("SELECT count(DISTINCT id) FROM order_events") == [(5,)]
    engine.dispose()


BY_CONTRACT = """
INSERT INTO users (name, cash, margin_used) VALUES ('a', 100000, 1000.01), ('b', 100000, 7);
INSERT INTO contracts SELECT name || '_25AUG26_' || n || 'CE', name, '2026-08-25', n, 'CE', 65, 0.05,
    1800, '2026-08-25T10:10:00Z' FROM unnest(ARRAY['NIFTY', 'BANKNIFTY']) name, generate_series(1, 4) n;
INSERT INTO exposures (user_id, symbol, net_quantity, open_sell_quantity, margin) VALUES
    (1, 'NIFTY_25AUG26_1CE', -65, 0, 300.01), (1, 'NIFTY_25AUG26_2CE', -65, 65, 600),
    (1, 'NIFTY_25AUG26_3CE', 65, 0, 0), (1, 'NIFTY_25AUG26_4CE', 0, 0, 0),
    (1, 'BANKNIFTY_25AUG26_1CE', 0, 65, 100), (2, 'NIFTY_25AUG26_1CE', -65, 0, 7);
"""


def test_margin_by_contract_becomes_margin_by_underlying_and_back(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1, max_pool_size=1)
    schema.upgrade(engine, "0002")

    def read(query: str) -> list[tuple[object, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    with engine.begin() as connection:
        connection.exec_driver_sql(BY_CONTRACT)
    schema.upgrade(engine)

    assert read("SELECT user_id, underlying, margin::text FROM margins ORDER BY 1, 2") == [
        (1, "BANKNIFTY", "100.00"),
        (1, "NIFTY", "900.01"),
        (2, "NIFTY", "7.00"),
    ]
    assert read("SELECT symbol FROM exposures WHERE NOT is_open") == [("NIFTY_25AUG26_4CE",)]
    schema.downgrade(engine, "0002")

    assert read("SELECT user_id, symbol, margin::text FROM exposures ORDER BY 1, 2") == [
        (1, "BANKNIFTY_25AUG26_1CE", "100.00"),
        (1, "NIFTY_25AUG26_1CE", "300.01"),
        (1, "NIFTY_25AUG26_2CE", "600.00"),
        (1, "NIFTY_25AUG26_3CE", "0.00"),
        (1, "NIFTY_25AUG26_4CE", "0.00"),
        (2, "NIFTY_25AUG26_1CE", "7.00"),
    ]
    engine.dispose()


_KEYS = """
SELECT conrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 AND conrelid IN ('order_events'::regclass, 'fills'::regclass)
ORDER BY 1
"""


def test_a_database_with_orders_loses_the_keys_of_their_records_and_gets_them_back(
    database_url: str,
) -> None:
    engine = make_engine(database_url, pool_size=1, max_pool_size=1)
    schema.upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.exec_driver_sql(SPINE)

    def keys() -> list[str]:
        with engine.connect() as connection:
            return list(connection.exec_driver_sql(_KEYS).scalars())

    schema.upgrade(engine, "0004")
    upgraded = keys()
    schema.downgrade(engine, "0003")

    assert (upgraded, keys()) == ([], ["fills", "fills", "order_events"])
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM fills").scalar_one() == 2
    engine.dispose()


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


OPEN_EXPOSURES = """
SELECT json_agg(json_build_array(user_id, symbol, net_quantity)) FROM exposures
WHERE is_open AND user_id IN (SELECT user_id FROM orders WHERE id = ANY(ARRAY[1, 2, 3]))
"""


def test_what_is_open_is_found_among_all_that_was_ever_traded(populated: Engine) -> None:
    with populated.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO exposures (user_id, symbol, net_quantity) SELECT u, "
            "'NIFTY_25AUG26_' || s || 'CE', CASE WHEN s %% 50 = 0 THEN 65 ELSE 0 END "
            "FROM generate_series(1, 200) u, generate_series(1, 200) s"
        )
    with populated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
        plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {OPEN_EXPOSURES}"))

    assert "idx_exposures_open" in plan


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
    ],
)
def test_the_database_refuses_books_that_cannot_be(populated: Engine, statement: str) -> None:
    with pytest.raises(IntegrityError), populated.begin() as connection:
        connection.execute(text(statement))


def test_orders_that_wait_for_their_venue_stand_again_after_a_downgrade(
    database_url: str,
) -> None:
    engine = make_engine(database_url, pool_size=1, max_pool_size=1)
    schema.upgrade(engine)
    list_contracts(engine, UNIVERSE)
    open_accounts(engine, 1)
    pending = {
        "amended": StoredOrder(user_id=1, symbol=SYMBOL, status=OrderStatus.PENDING_AMEND),
        "traded": StoredOrder(
            user_id=1, symbol=SYMBOL, status=OrderStatus.PENDING_CANCEL, filled=1
        ),
    }
    ids = store_orders(engine, pending)

    schema.downgrade(engine, "0004")

    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT id, status, lease_until FROM orders ORDER BY id")
        assert [tuple(row) for row in found] == [
            (ids["amended"], "working", None),
            (ids["traded"], "partially_filled", None),
        ]
    engine.dispose()


KEYS = """
INSERT INTO users (name, cash) VALUES ('a', 0);
INSERT INTO api_keys (user_id, prefix, digest, scopes) VALUES
    (1, 'aaaaaaaaaaaa', repeat('x', 32)::bytea, '{admin}'),
    (1, 'bbbbbbbbbbbb', repeat('y', 32)::bytea, '{trade,admin}'),
    (1, 'cccccccccccc', repeat('z', 32)::bytea, '{read}');
"""


def test_keys_keep_what_they_allowed_and_one_that_expired_is_not_valid_again(
    database_url: str,
) -> None:
    engine = make_engine(database_url, pool_size=1, max_pool_size=1)
    schema.upgrade(engine, "0005")
    with engine.begin() as connection:
        connection.exec_driver_sql(KEYS)

    schema.upgrade(engine)

    with engine.begin() as connection:
        scopes = connection.exec_driver_sql("SELECT scopes FROM api_keys ORDER BY prefix")
        assert scopes.scalars().all() == [["trade", "admin"], ["trade", "admin"], ["read"]]
        connection.exec_driver_sql(
            "UPDATE api_keys SET expires_at = clock_timestamp() WHERE prefix = 'aaaaaaaaaaaa'"
        )
    schema.downgrade(engine, "0005")
    with engine.connect() as connection:
        revoked = connection.exec_driver_sql(
            "SELECT prefix FROM api_keys WHERE revoked_at IS NOT NULL"
        )
        assert revoked.scalars().all() == ["aaaaaaaaaaaa"]
    engine.dispose()
