from __future__ import annotations

import json

from angel_x.adapters.postgres.book_unit import _BY_ID
from angel_x.bootstrap import Application
from angel_x.domain.book.limits import Limits
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import OrderStatus, Side
from tests.builders.orders import Market


def test_the_rules_of_all_accounts_come_once_with_a_batch(application: Application) -> None:
    market = Market.open(application)
    users = [market.account(name) for name in ("a", "b")]
    order_ids = [
        accepted.order_id
        for user in users
        for accepted in market.accept(user, *(market.request() for _ in range(3)))
    ]
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO risk_limits (scope, name, kind, value, actor) "
            "SELECT 'user', n::text, 'max_open_orders', 7, 'test' FROM generate_series(1, 50) n"
        )
        connection.exec_driver_sql(
            "INSERT INTO trading_controls (scope, name, state, actor) "
            "VALUES ('underlying', 'NIFTY', 'halted', 'test')"
        )

    received = frozenset({OrderStatus.RECEIVED})
    with application.orders.units.begin() as unit:
        orders, book = unit.orders(order_ids, received)
    with application.base.engine.connect() as connection:
        parameters = {"order_ids": order_ids, "statuses": sorted(received)}
        documents = [row.common for row in connection.exec_driver_sql(_BY_ID.text, parameters)]

    assert [order.id for order in orders] == order_ids
    assert [book.rules.limits(user) for user in users] == [Limits(max_open_orders=7)] * 2
    assert book.rules.state(users[0], "NIFTY") is TradingState.HALTED
    common = json.loads(documents[0])
    assert (len(common["limits"]), len(common["controls"])) == (50, 1)
    assert documents[1:] == [None] * 5


def test_what_is_closed_is_not_read_and_what_is_open_comes_once(application: Application) -> None:
    market = Market.open(application)
    user = market.account()
    closed, held, offered, other = market.symbols[:4]
    trades = [
        market.request(Side.BUY, closed),
        market.request(Side.SELL, closed),
        market.request(Side.BUY, held),
        market.request(Side.SELL, offered, limit="120.00"),
    ]
    for accepted in market.accept(user, *trades):
        application.trading.execution.run_exactly([accepted.order_id])
    waiting = [a.order_id for a in market.accept(user, market.request(symbol=other))]

    with application.orders.units.begin() as unit:
        _, book = unit.orders(waiting, frozenset({OrderStatus.RECEIVED}))

    assert {symbol for _, symbol in book.exposures} == {held, offered}
    assert [e.worst_quantity for _, e in sorted(book.exposures.items())] == [65, -65]
    assert set(book.margins.stored) == {(user, "NIFTY")}
    assert book.margins.symbols == {held, offered, other}


def test_a_deep_backlog_of_one_account_leaves_room_for_the_others(application: Application) -> None:
    market = Market.open(application)
    deep, other = market.account("deep"), market.account("other")
    backlog = market.accept(deep, *(market.request() for _ in range(10)))
    (late,) = market.accept(other, market.request())

    with application.orders.units.begin() as unit:
        orders, _ = unit.claim([backlog[-1].order_id, late.order_id], 4)

    oldest = [accepted.order_id for accepted in backlog[:3]]
    assert [order.id for order in orders] == [*oldest, late.order_id]
