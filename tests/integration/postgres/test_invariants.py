"""Each invariant holds after honest trading and notices the one row that breaks it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from angel_x.adapters.postgres.invariants import RULES
from angel_x.bootstrap import Application
from angel_x.domain.order import Priority, Side
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
    ("positions fold fills", "UPDATE positions SET product = 'MIS'"),
    ("margin is backed", "INSERT INTO margins VALUES (1, 'BANKNIFTY', 0.01); "
     "UPDATE users SET margin_used = margin_used + 0.01"),
    ("margin is backed", "UPDATE margins SET margin = margin + 0.01"),
    ("offers match orders", "UPDATE exposures SET open_buy_quantity = open_buy_quantity + 1"),
    ("offers match orders", "UPDATE orders SET quantity = quantity + 65 WHERE status = 'working' "
     "AND slices = 0"),
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
    application.execution.run([order.order_id for order in accepted[:-1]])
    return market


def test_all_hold_after_honest_trading(traded: Market) -> None:
    found = traded.application.invariants.check(traded.application.clock())

    assert [i.name for i in found] == [name for name, _, _ in RULES]
    assert all(i.holds for i in found)


def test_every_rule_has_a_lie() -> None:
    assert set(LIES) == {name for name, _, _ in RULES}


def test_the_honest_story_has_every_shape(traded: Market) -> None:
    assert sorted(traded.statuses().values()) == [
        *["filled"] * 3, *["partially_filled"] * 2, "received", *["working"] * 2,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "lie"), [*((name, lie) for name, lie in LIES.items() if lie), *FURTHER_LIES]
)
def test_a_lie_is_noticed(traded: Market, name: str, lie: str) -> None:
    with traded.application.engine.begin() as connection:
        # What the database itself refuses is told as its owner could: without its triggers.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(lie))

    found = {i.name: i for i in traded.application.invariants.check(traded.application.clock())}

    assert not found[name].holds
    assert found[name].example is not None


def test_two_fills_of_one_execution_are_impossible(traded: Market) -> None:
    doubled = (
        "INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price) "
        "SELECT execution_id, order_id, user_id, symbol, side, quantity, price FROM fills"
    )

    with (
        pytest.raises(IntegrityError, match="fills_execution_id_key"),
        traded.application.engine.begin() as connection,
    ):
        connection.execute(text(doubled))


def test_validity_is_measured_at_the_markets_time(traded: Market) -> None:
    later = traded.application.clock() + timedelta(days=30)

    found = {i.name: i for i in traded.application.invariants.check(later)}

    assert not found["orders end in time"].holds
