"""What must not move money: ended orders, missing spots, clocks, poison, and time that runs out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from angel_x.adapters.postgres.engine import make_engine
from angel_x.bootstrap import TRANSIENT, Application
from angel_x.domain.book.book import Book
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import Order, OrderStatus, Side
from angel_x.services.trading.paper_market import PaperMarket
from tests.builders.orders import Market


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def rest(market: Market, user: int, count: int = 1) -> list[int]:
    accepted = market.accept(user, *[market.request(limit="99.00") for _ in range(count)])
    order_ids = [order.order_id for order in accepted]
    market.application.trading.execution.run(order_ids)
    assert set(market.statuses().values()) == {"working"}
    return order_ids


def end_validity(market: Market) -> None:
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET valid_until = now() - interval '1 second'")


def cash(market: Market) -> str:
    with market.application.base.engine.connect() as connection:
        return str(connection.exec_driver_sql("SELECT cash FROM users").scalar_one())


def test_an_order_whose_session_is_over_never_trades_though_nobody_has_expired_it(
    market: Market,
) -> None:
    user = market.account()
    (order_id,) = rest(market, user)
    end_validity(market)
    market.quote(market.symbols[0], "98.00", "98.50")

    assert market.application.trading.matching.run() == 0

    assert market.statuses() == {order_id: "expired"}
    assert cash(market) == "10000000.00"
    market.assert_invariants()


def test_a_spot_without_a_price_margins_no_sale(market: Market) -> None:
    user = market.account()
    market.spot(Decimal(0))
    (accepted,) = market.accept(user, market.request(Side.SELL))

    market.application.trading.execution.run([accepted.order_id])

    assert market.statuses() == {accepted.order_id: "denied"}
    assert cash(market) == "10000000.00"


def test_a_batch_that_runs_out_of_time_denies_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())

    def late(*_: object) -> list[Terms]:
        raise SoftTimeLimitExceeded

    with monkeypatch.context() as patched:
        patched.setattr(PaperMarket, "terms", late)
        with pytest.raises(SoftTimeLimitExceeded):
            market.application.trading.execution.run([accepted.order_id])

    assert market.statuses() == {accepted.order_id: "received"}
    market.application.trading.execution.run([accepted.order_id])
    assert market.statuses() == {accepted.order_id: "filled"}


def test_one_resting_order_that_cannot_be_matched_does_not_stop_the_others(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = market.account()
    order_ids = rest(market, user, 5)
    poison = order_ids[2]
    honest = Book.match

    def match(self: Book, order: Order, terms: Terms) -> None:
        if order.id == poison:
            raise ZeroDivisionError("poison")
        honest(self, order, terms)

    monkeypatch.setattr(Book, "match", match)
    market.quote(market.symbols[0], "98.00", "98.50")

    assert market.application.trading.matching.run() == 4

    statuses = market.statuses()
    assert statuses.pop(poison) == "working"
    assert set(statuses.values()) == {"filled"}
    market.assert_invariants()


def test_one_order_that_cannot_be_expired_does_not_stop_the_others(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = market.account()
    order_ids = rest(market, user, 5)
    poison = order_ids[2]
    honest = Book.take_off

    def take_off(self: Book, order: Order, status: OrderStatus, reason: CancelReason) -> None:
        if order.id == poison:
            raise ZeroDivisionError("poison")
        honest(self, order, status, reason)

    monkeypatch.setattr(Book, "take_off", take_off)
    end_validity(market)

    assert market.application.trading.expiry.run() == 4

    statuses = market.statuses()
    assert statuses.pop(poison) == "working"
    assert set(statuses.values()) == {"expired"}


def test_a_stopped_process_does_not_hold_an_account_for_ever(
    market: Market, environ: dict[str, str]
) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())
    stopped = make_engine(
        environ["ANGEL_X_DATABASE_URL"], pool_size=1, max_pool_size=1, idle_seconds=0.2
    )
    with stopped.connect() as connection:
        connection.exec_driver_sql(f"SELECT 1 FROM users WHERE id = {user} FOR UPDATE")

        market.application.trading.execution.run([accepted.order_id])

        connection.invalidate()
    stopped.dispose()
    assert market.statuses() == {accepted.order_id: "filled"}


def test_a_wait_for_a_lock_ends_before_the_task_is_killed(
    market: Market, environ: dict[str, str]
) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())
    waiting = make_engine(
        environ["ANGEL_X_DATABASE_URL"], pool_size=1, max_pool_size=1, lock_seconds=0.2
    )
    lock: Any = f"SELECT 1 FROM users WHERE id = {user} FOR UPDATE"
    with market.application.base.engine.begin() as holder, waiting.connect() as connection:
        holder.exec_driver_sql(lock)
        with pytest.raises(TRANSIENT):
            connection.exec_driver_sql(lock)
    waiting.dispose()
    assert market.statuses() == {accepted.order_id: "received"}
