"""Each invariant holds after honest trading and notices the one row that breaks it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from angel_x.adapters.postgres.invariants import RULES, WHOLE, checked
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Priority, Side
from tests.builders.orders import Market

#: A lie for every rule, told behind the back of the protocol.
LIES = {
    "orders end in time": "UPDATE orders SET valid_until = now() - interval '1 day' "
    "WHERE status = 'working'",
    "one story each": "UPDATE order_events SET status = 'canceled' WHERE status = 'filled'",
    "one outcome": "INSERT INTO order_events (order_id, status, actor) "
    "SELECT id, 'canceled', 'liar' FROM orders WHERE status = 'filled' LIMIT 1",
    "fills add up": "UPDATE fills SET quantity = quantity + 1",
    "slices add up": "UPDATE orders SET quantity = quantity + 65 WHERE slices > 0",
    "one fill per execution": None,
    "records have orders": "INSERT INTO order_events (order_id, status, actor) "
    "VALUES (99, 'received', 'liar')",
    "positions fold fills": "UPDATE exposures SET net_quantity = net_quantity + 1",
    "cash folds ledger": "UPDATE users SET cash = cash + 0.01",
    "ledger balances": "UPDATE ledger_entries SET amount = amount + 1 WHERE account = 'charges'",
    "trades earn the P&L": "UPDATE trades SET realised_pnl = realised_pnl + 1",
    "margin is backed": "UPDATE users SET margin_used = margin_used + 0.01",
    "offers match orders": "UPDATE exposures SET open_sell_quantity = open_sell_quantity + 1",
    "open orders are counted": "UPDATE users SET open_orders = open_orders + 1",
}
#: Rules that say more than one thing have a lie for each.
FURTHER_LIES = [
    ("one story each", "INSERT INTO order_events (order_id, status, actor) "
     "SELECT id, 'received', 'liar' FROM orders WHERE status = 'received'"),
    ("fills add up", "UPDATE orders SET traded_value = traded_value + 0.05 WHERE status = 'filled'"),
    ("slices add up", "UPDATE orders SET filled_quantity = filled_quantity + 65 WHERE slices > 0"),
    ("slices add up", "UPDATE orders SET traded_value = traded_value + 1 WHERE slices > 0"),
    ("slices add up", "UPDATE orders SET parent_id = NULL WHERE parent_id IS NOT NULL"),
    ("slices add up", "UPDATE orders SET status = 'canceled', closed_at = now() WHERE slices > 0"),
    ("records have orders", "UPDATE fills SET order_id = 99 WHERE id = 1"),
    ("records have orders", "INSERT INTO users (name) VALUES ('other'); "
     "UPDATE fills SET user_id = 2 WHERE id = 1"),
    ("records have orders", "UPDATE fills SET symbol = 'X' WHERE id = 1"),
    ("records have orders", "UPDATE fills SET side = 'SELL' WHERE side = 'BUY'"),
    ("positions fold fills", "UPDATE positions SET product = 'MIS'"),
    ("margin is backed", "INSERT INTO margins VALUES (1, 'BANKNIFTY', 0.01); "
     "UPDATE users SET margin_used = margin_used + 0.01"),
    ("margin is backed", "UPDATE margins SET margin = margin + 0.01"),
    ("offers match orders", "UPDATE exposures SET open_buy_quantity = open_buy_quantity + 1"),
    ("offers match orders", "UPDATE orders SET quantity = quantity + 65 WHERE status = 'working' "
     "AND slices = 0"),
    ("orders end in time", "UPDATE orders SET valid_until = now() - interval '1 day' "
     "WHERE status = 'received'"),
    ("one story each", "DELETE FROM order_events WHERE status = 'received' AND order_id = "
     "(SELECT min(id) FROM orders WHERE status = 'filled')"),
    ("one story each", "DELETE FROM order_events WHERE order_id = "
     "(SELECT min(id) FROM orders WHERE status = 'filled')"),
    ("one story each", "UPDATE orders SET status = 'trigger_pending' WHERE status = 'working'"),
    ("one story each", "INSERT INTO order_events (order_id, status, actor, reason) SELECT id, "
     "'received', 'liar', 'REPLAYED' FROM orders WHERE status = 'received'"),
    ("fills add up", "UPDATE fills SET price = price + 0.05"),
    ("fills add up", "DELETE FROM fills WHERE order_id = "
     "(SELECT min(id) FROM orders WHERE status = 'filled')"),
    ("fills add up", "UPDATE orders SET filled_quantity = 1, traded_value = 0 "
     "WHERE status = 'working' AND slices = 0 AND parent_id IS NULL"),
    ("fills add up", "UPDATE orders SET traded_value = 1 "
     "WHERE status = 'working' AND slices = 0 AND parent_id IS NULL"),
    ("fills add up", "UPDATE fills SET order_id = (SELECT id FROM orders WHERE slices > 0) "
     "WHERE order_id = (SELECT min(order_id) FROM fills)"),
    ("fills add up", "ALTER TABLE orders DROP CONSTRAINT orders_fill_within_quantity; "
     "UPDATE orders SET quantity = 1 WHERE slices > 0"),
    ("slices add up", "UPDATE orders SET slices = slices + 1 WHERE slices > 0"),
    ("slices add up", "ALTER TABLE orders DROP CONSTRAINT orders_parent_is_held; "
     "UPDATE orders SET slices = 1 WHERE slices = 0 AND parent_id IS NULL AND status = 'received'"),
    ("slices add up", "UPDATE orders SET status = 'canceled', closed_at = now(), reserved = 0 "
     "WHERE parent_id IS NOT NULL"),
    ("positions fold fills", "UPDATE positions SET quantity = quantity + 1 WHERE status = 'OPEN'"),
    ("positions fold fills", "UPDATE fills SET quantity = quantity + 1"),
    ("positions fold fills", "UPDATE fills SET side = 'SELL' WHERE order_id = "
     "(SELECT max(order_id) FROM fills)"),
    ("positions fold fills", "DELETE FROM positions WHERE status = 'OPEN'"),
    ("positions fold fills", "DELETE FROM exposures WHERE net_quantity <> 0"),
    ("positions fold fills", "INSERT INTO exposures SELECT 1, symbol, 65 FROM contracts "
     "WHERE symbol NOT IN (SELECT symbol FROM exposures) LIMIT 1"),
    ("positions fold fills", "INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, "
     "cost) SELECT 1, 1, symbol, 'OPEN', 65, 0 FROM contracts "
     "WHERE symbol NOT IN (SELECT symbol FROM exposures) LIMIT 1"),
    ("cash folds ledger", "UPDATE users SET realised_pnl = realised_pnl + 0.01"),
    ("cash folds ledger", "UPDATE positions SET cost = cost + 0.01 WHERE status = 'OPEN'"),
    ("cash folds ledger", "UPDATE ledger_entries SET amount = amount + 0.01 WHERE account = 'pnl'"),
    ("cash folds ledger", "UPDATE ledger_entries SET amount = amount + 0.01 "
     "WHERE account = 'deposit'; UPDATE ledger_entries SET account = 'cash' "
     "WHERE account = 'charges'"),
    ("cash folds ledger", "INSERT INTO users (name, cash) VALUES ('rich', 5)"),
    ("cash folds ledger", "INSERT INTO users (name, realised_pnl) VALUES ('lucky', 5)"),
    ("cash folds ledger", "DELETE FROM positions WHERE status = 'OPEN'"),
    ("ledger balances", "UPDATE ledger_entries SET amount = amount + 1 WHERE account = 'deposit'"),
    ("ledger balances", "UPDATE ledger_entries SET order_id = 99 WHERE account = 'charges'"),
    ("trades earn the P&L", "DELETE FROM trades"),
    ("trades earn the P&L", "UPDATE users SET realised_pnl = realised_pnl + 1"),
    ("margin is backed", "UPDATE orders SET reserved = reserved + 0.01 WHERE status = 'working'"),
    ("margin is backed", "ALTER TABLE users DROP CONSTRAINT users_margin_is_backed; "
     "UPDATE users SET cash = margin_used - 0.01 WHERE id = 1"),
    ("margin is backed", "UPDATE exposures SET open_sell_quantity = 0"),
    ("margin is backed", "UPDATE exposures SET net_quantity = open_sell_quantity"),
    ("margin is backed", "UPDATE margins SET underlying = 'BANKNIFTY'"),
    ("offers match orders", "DELETE FROM exposures WHERE open_buy_quantity > 0"),
    ("offers match orders", "UPDATE orders SET side = 'BUY' WHERE status = 'working' AND side = 'SELL'"),
    ("offers match orders", "UPDATE orders SET status = 'received', reserved = 0 "
     "WHERE status = 'working'"),
    ("open orders are counted", "INSERT INTO users (name, open_orders) VALUES ('busy', 1)"),
    ("open orders are counted", "UPDATE orders SET status = 'received', reserved = 0 "
     "WHERE status = 'working'"),
]  # fmt: skip


@pytest.fixture
def traded(application: Application) -> Market:
    """An account with a round trip, a position and an order that rests."""
    market = Market.open(application)
    user = market.account()
    requests = [
        market.request(Side.BUY),
        market.request(Side.SELL),
        market.request(Side.BUY, market.symbols[1]),
        market.request(Side.SELL, market.symbols[2], limit="120.00"),
        market.request(Side.BUY, market.symbols[3], limit="101.00", quantity=65 * 30),
        market.request(Side.BUY, market.symbols[4], priority=Priority.LOW),
    ]
    market.quote(market.symbols[3], "100.00", "100.50", size=65)
    accepted = market.accept(user, *requests)
    application.trading.execution.run([order.order_id for order in accepted[:-1]])
    return market


def test_all_hold_after_honest_trading(traded: Market) -> None:
    found = traded.application.operations.invariants.check(traded.application.base.clock())

    assert [i.name for i in found] == [name for name, *_ in RULES]
    assert all(i.holds for i in found)


def test_every_rule_has_a_lie() -> None:
    assert set(LIES) == {name for name, *_ in RULES}


def test_the_honest_story_has_every_shape(traded: Market) -> None:
    assert sorted(traded.statuses().values()) == [
        *["filled"] * 3, *["partially_filled"] * 2, "received", *["working"] * 2,
    ]  # fmt: skip


def test_every_lie_is_noticed(traded: Market) -> None:
    now, unnoticed = traded.application.base.clock(), []
    for name, lie in [*((name, lie) for name, lie in LIES.items() if lie), *FURTHER_LIES]:
        [rule] = [rule for rule in RULES if rule[0] == name]
        # Left without a commit, so the next lie is told of the honest story.
        with traded.application.base.engine.connect() as connection:
            # What the database itself refuses is told as its owner could: without its triggers.
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            assert connection.exec_driver_sql(lie).rowcount != 0, lie
            found = checked(connection, rule, WHOLE, now)
        if found.holds or found.example is None:
            unnoticed.append((name, lie))

    assert unnoticed == []
    traded.assert_invariants()


#: Changes that break no rule of that name.
TRUTHS = [
    ("orders end in time", "UPDATE orders SET valid_until = now() - interval '4 minutes'"),
    *(("orders end in time", f"UPDATE orders SET status = '{status}', valid_until = "
       "now() - interval '1 day', closed_at = now(), reserved = 0, reason = 'WHY', "
       f"filled_quantity = CASE '{status}' WHEN 'filled' THEN quantity ELSE 0 END")
      for status in ("denied", "rejected", "filled", "canceled", "expired")),
    *((rule, f"UPDATE orders SET status = '{status}', lease_until = now(), filled_quantity = "
       "CASE WHEN slices > 0 THEN 1 ELSE filled_quantity END "
       "WHERE status IN ('working', 'partially_filled')")
      for rule in ("offers match orders", "open orders are counted")
      for status in ("working", "submitting", "trigger_pending")),
    ("one story each", "INSERT INTO order_events (order_id, status, actor, reason) SELECT id, "
     "'received', 'owner', 'AMENDED' FROM orders WHERE status = 'received'"),
    ("margin is backed", "UPDATE users SET cash = margin_used - collateral"),
    ("margin is backed", "UPDATE margins SET margin = 0 WHERE underlying = 'BANKNIFTY'"),
]  # fmt: skip


def test_no_truth_is_called_a_lie(traded: Market) -> None:
    now, accused = traded.application.base.clock(), []
    with traded.application.base.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO margins VALUES (1, 'BANKNIFTY', 0)")
    for name, truth in TRUTHS:
        [rule] = [rule for rule in RULES if rule[0] == name]
        with traded.application.base.engine.connect() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            assert connection.exec_driver_sql(truth).rowcount > 0, truth
            if not checked(connection, rule, WHOLE, now).holds:
                accused.append((name, truth))

    assert accused == []


def test_two_fills_of_one_execution_are_impossible(traded: Market) -> None:
    doubled = (
        "INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price) "
        "SELECT execution_id, order_id, user_id, symbol, side, quantity, price FROM fills"
    )

    with (
        pytest.raises(IntegrityError, match="fills_execution_id_key"),
        traded.application.base.engine.begin() as connection,
    ):
        connection.execute(text(doubled))


def test_validity_is_measured_at_the_markets_time(traded: Market) -> None:
    later = traded.application.base.clock() + timedelta(days=30)

    found = {i.name: i for i in traded.application.operations.invariants.check(later)}

    assert not found["orders end in time"].holds
