"""Each invariant holds after honest trading and notices the one row that breaks it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from angel_x.adapters.postgres.invariants import RULES
from angel_x.bootstrap import Application
from angel_x.domain.order import Side
from tests.builders.orders import Market

#: A lie for every rule, told behind the back of the protocol.
LIES = {
    "orders end in time": "UPDATE orders SET valid_until = now() - interval '1 day' "
    "WHERE status = 'working'",
    "one story each": "UPDATE order_events SET status = 'canceled' WHERE status = 'filled'",
    "one outcome": "INSERT INTO order_events (order_id, status, actor) "
    "SELECT id, 'canceled', 'liar' FROM orders WHERE status = 'filled' LIMIT 1",
    "fills add up": "UPDATE fills SET quantity = quantity + 1",
    "one fill per execution": None,
    "positions fold fills": "UPDATE exposures SET net_quantity = net_quantity + 1",
    "cash folds ledger": "UPDATE users SET cash = cash + 0.01",
    "ledger balances": "UPDATE ledger_entries SET amount = amount + 1 WHERE account = 'charges'",
    "trades earn the P&L": "UPDATE trades SET realised_pnl = realised_pnl + 1",
    "margin is backed": "UPDATE users SET margin_used = margin_used + 0.01",
    "offers match orders": "UPDATE exposures SET open_sell_quantity = open_sell_quantity + 1",
}


@pytest.fixture
def traded(application: Application) -> Market:
    """An account with a round trip, a position and an order that rests."""
    market = Market.open(application)
    user = market.account()
    requests = [
        market.request(Side.BUY),
        market.request(Side.SELL),
        market.request(Side.BUY, market.symbols[1]),
        market.request(Side.SELL, market.symbols[2], limit="200.00"),
    ]
    accepted = market.accept(user, *requests)
    application.execution.run([order.order_id for order in accepted])
    return market


def test_all_hold_after_honest_trading(traded: Market) -> None:
    found = traded.application.invariants.check(traded.application.clock())

    assert [i.name for i in found] == [name for name, _, _ in RULES]
    assert all(i.holds for i in found)


def test_every_rule_has_a_lie() -> None:
    assert set(LIES) == {name for name, _, _ in RULES}


@pytest.mark.parametrize("name", [name for name, lie in LIES.items() if lie])
def test_a_lie_is_noticed(traded: Market, name: str) -> None:
    with traded.application.engine.begin() as connection:
        connection.execute(text(str(LIES[name])))

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
