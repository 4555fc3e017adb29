"""Every refusal of the risk gate on its way through the database: the reason, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import OrderRequest, Priority, Side
from tests.builders.environs import application_on
from tests.builders.orders import Market

#: Everything that an order could change beside itself.
HOLDINGS = (
    "SELECT id, cash, margin_used, realised_pnl, open_orders, day_pnl FROM users ORDER BY id",
    "SELECT user_id, symbol, status, quantity, cost, realised_pnl FROM positions ORDER BY id",
    "SELECT * FROM exposures ORDER BY user_id, symbol",
    "SELECT execution_id, quantity, price FROM fills ORDER BY id",
    "SELECT user_id, account, amount FROM ledger_entries ORDER BY 1, 2, 3",
    "SELECT user_id, symbol, status FROM trades ORDER BY id",
)
Requests = Callable[[Market], OrderRequest]


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def holdings(market: Market) -> list[list[tuple[Any, ...]]]:
    return [rows(market, query) for query in HOLDINGS]


def limit(market: Market, user_id: int | None = None, **values: object) -> None:
    market.application.people.limits.put(user_id, values, "test")


def control(market: Market, scope: str, name: str, state: str) -> None:
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO trading_controls (scope, name, state, actor) VALUES (%s, %s, %s, 'test')",
            (scope, name, state),
        )


def decide(market: Market, user: int, *requests: OrderRequest) -> list[tuple[str, str | None]]:
    """Accept and decide orders; return status and reason of each."""
    accepted = market.accept(user, *requests)
    market.application.trading.execution.run([order.order_id for order in accepted])
    ids = ",".join(str(order.order_id) for order in accepted)
    return [
        (status, reason)
        for status, reason in rows(
            market, f"SELECT status, reason FROM orders WHERE id IN ({ids}) ORDER BY id"
        )
    ]


def buy(market: Market) -> OrderRequest:
    return market.request()


def buy_much(market: Market) -> OrderRequest:
    return market.request(quantity=130)


def buy_dear(market: Market) -> OrderRequest:
    return market.request(limit="115.00")


def sell_cheap(market: Market) -> OrderRequest:
    return market.request(Side.SELL, limit="85.00")


@pytest.mark.parametrize(
    ("forbid", "request_", "reason"),
    [
        (lambda m, _: control(m, "system", "", "halted"), buy, DenialReason.TRADING_HALTED),
        (lambda m, u: control(m, "user", str(u), "halted"), buy, DenialReason.TRADING_HALTED),
        (
            lambda m, _: control(m, "underlying", "NIFTY", "halted"),
            buy,
            DenialReason.TRADING_HALTED,
        ),
        (lambda m, u: control(m, "user", str(u), "reducing"), buy, DenialReason.REDUCING_ONLY),
        (lambda m, _: limit(m, max_order_quantity=65), buy_much, DenialReason.QUANTITY_LIMIT),
        (lambda m, u: limit(m, u, max_order_quantity=65), buy_much, DenialReason.QUANTITY_LIMIT),
        (lambda m, u: limit(m, u, max_order_notional=6000), buy, DenialReason.NOTIONAL_LIMIT),
        (lambda m, u: limit(m, u, fat_finger_percent=10), buy_dear, DenialReason.FAT_FINGER),
        (lambda m, u: limit(m, u, fat_finger_percent=10), sell_cheap, DenialReason.FAT_FINGER),
    ],
)
def test_what_the_rules_forbid_is_denied_and_changes_nothing(
    market: Market, forbid: Callable[[Market, int], None], request_: Requests, reason: DenialReason
) -> None:
    user = market.account()
    # Something to change: a position, a fill and entries.
    assert decide(market, user, market.request(symbol=market.symbols[1])) == [("filled", None)]
    forbid(market, user)
    before = holdings(market)

    assert decide(market, user, request_(market)) == [("denied", reason.value)]

    assert holdings(market) == before
    assert rows(market, "SELECT reason FROM order_events ORDER BY id DESC LIMIT 1") == [(reason,)]
    market.assert_invariants()


def test_one_open_order_more_than_the_limit_is_denied_within_the_same_batch(market: Market) -> None:
    user = market.account()
    limit(market, user, max_open_orders=2)
    resting = [market.request(limit="90.00") for _ in range(3)]

    assert decide(market, user, *resting) == [
        ("working", None),
        ("working", None),
        ("denied", DenialReason.OPEN_ORDERS_LIMIT),
    ]
    before = holdings(market)

    assert decide(market, user, buy(market)) == [("denied", DenialReason.OPEN_ORDERS_LIMIT)]
    assert holdings(market) == before
    market.assert_invariants()


def test_after_the_loss_of_a_day_an_account_only_closes(market: Market) -> None:
    user = market.account()
    limit(market, user, max_daily_loss=50)
    sell = market.request(Side.SELL)
    other, third = market.symbols[1], market.symbols[2]
    decide(market, user, market.request(), market.request(symbol=other), sell)
    ((day_pnl,),) = rows(market, "SELECT day_pnl FROM users")
    assert day_pnl < -50
    before = holdings(market)

    assert decide(market, user, market.request(symbol=third)) == [
        ("denied", DenialReason.DAILY_LOSS)
    ]
    assert holdings(market) == before

    assert decide(market, user, market.request(Side.SELL, symbol=other)) == [("filled", None)]
    market.assert_invariants()


def test_an_estimate_counts_the_loss_of_today_and_not_of_the_day_before(market: Market) -> None:
    user = market.account()
    limit(market, user, max_daily_loss=50)
    decide(market, user, market.request(), market.request(Side.SELL))
    estimate, another = market.application.trading.what_if.estimate, market.symbols[1]

    today = estimate(user, [market.request(symbol=another)])
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET pnl_day = pnl_day - 1")
    tomorrow = estimate(user, [market.request(symbol=another)])

    assert (today.fits, tomorrow.fits) == (False, True)
    assert [order.reason for order in today.orders] == [DenialReason.DAILY_LOSS]


def test_a_halted_account_is_squared_off_and_by_an_emergency_only(market: Market) -> None:
    user = market.account()
    decide(market, user, market.request())
    control(market, "user", str(user), "halted")
    before = holdings(market)

    assert decide(market, user, market.request(Side.SELL)) == [
        ("denied", DenialReason.TRADING_HALTED)
    ]
    opening = market.request(priority=Priority.EMERGENCY)
    assert decide(market, user, opening) == [("denied", DenialReason.TRADING_HALTED)]
    assert holdings(market) == before

    closing = market.request(Side.SELL, priority=Priority.EMERGENCY)
    assert decide(market, user, closing) == [("filled", None)]
    assert rows(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]
    market.assert_invariants()


def test_two_closing_orders_of_one_batch_close_a_position_once(market: Market) -> None:
    user = market.account()
    decide(market, user, market.request())
    control(market, "user", str(user), "reducing")

    outcome = decide(market, user, market.request(Side.SELL), market.request(Side.SELL))

    assert outcome == [("filled", None), ("denied", DenialReason.REDUCING_ONLY)]
    assert rows(market, "SELECT net_quantity FROM exposures") == [(0,)]
    market.assert_invariants()


def test_a_batch_goes_on_past_what_is_denied(market: Market) -> None:
    user = market.account()
    limit(market, user, max_order_quantity=65)

    assert decide(market, user, buy(market), buy_much(market), buy(market)) == [
        ("filled", None),
        ("denied", DenialReason.QUANTITY_LIMIT),
        ("filled", None),
    ]
    market.assert_invariants()


@pytest.fixture
def another_process(environ: dict[str, str]) -> Iterator[Application]:
    """An application with connections and caches of its own."""
    with application_on(environ, "cli") as application:
        yield application


def test_a_limit_holds_for_the_next_claim_of_a_process_that_runs(
    market: Market, another_process: Application
) -> None:
    user, limits = market.account(), another_process.people.limits
    assert decide(market, user, buy_much(market)) == [("filled", None)]

    limits.put(None, {"max_order_quantity": 65}, "test")
    assert decide(market, user, buy_much(market)) == [("denied", DenialReason.QUANTITY_LIMIT)]

    limits.put(None, {"max_order_quantity": 130}, "test")
    assert decide(market, user, buy_much(market)) == [("filled", None)]

    # Of an account's own limit and everyone's, the stricter holds.
    limits.put(user, {"max_order_quantity": 65}, "test")
    assert decide(market, user, buy_much(market)) == [("denied", DenialReason.QUANTITY_LIMIT)]

    limits.clear(user, (), "test")
    assert decide(market, user, buy_much(market)) == [("filled", None)]
    market.assert_invariants()


def test_an_order_is_decided_under_the_limit_at_its_claim_and_not_at_its_acceptance(
    market: Market,
) -> None:
    user = market.account()
    (accepted,) = market.accept(user, buy_much(market))
    limit(market, max_order_quantity=65)

    market.application.trading.execution.run([accepted.order_id])

    assert rows(market, "SELECT status, reason FROM orders") == [("denied", "QUANTITY_LIMIT")]
