"""An order's life against real servers: accepted once, decided once, recorded once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, Priority, Side, Validity
from angel_x.errors import IdempotencyConflict, InvalidOrder, OrderAlreadyClosed, OrderNotFound
from angel_x.services.intake.acceptance import Submission
from angel_x.services.trading.paper_market import PaperMarket
from tests.builders.orders import SPOT, Market


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_an_accepted_order_is_traded_and_recorded(market: Market) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())

    market.application.trading.execution.run([accepted.order_id])

    assert rows(market, "SELECT status, filled_quantity, average_price FROM orders") == [
        ("filled", 65, pytest.approx(100.5))
    ]
    assert rows(market, "SELECT status FROM order_events ORDER BY at") == [
        ("received",),
        ("filled",),
    ]
    assert rows(market, "SELECT quantity, cost FROM positions") == [(65, pytest.approx(6532.5))]
    market.assert_invariants()


def test_a_redelivered_batch_trades_once(market: Market) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())

    assert market.application.trading.execution.run([accepted.order_id]) == 1
    assert market.application.trading.execution.run([accepted.order_id]) == 0

    assert rows(market, "SELECT count(*) FROM fills") == [(1,)]
    market.assert_invariants()


def test_ten_doorbells_at_once_trade_once(market: Market) -> None:
    user = market.account()
    accepted = market.accept(user, *[market.request() for _ in range(20)])
    order_ids = [a.order_id for a in accepted]

    with ThreadPoolExecutor(4) as pool:
        decided = list(pool.map(market.application.trading.execution.run, [order_ids] * 10))

    assert sum(decided) == 20
    assert rows(market, "SELECT count(*) FROM fills") == [(20,)]
    market.assert_invariants()


def test_the_same_id_and_content_is_the_same_order(market: Market) -> None:
    user = market.account()
    request = market.request()

    (first,) = market.accept(user, request)
    (second,) = market.accept(user, request)

    assert second.order_id == first.order_id
    assert (first.replayed, second.replayed) == (False, True)
    assert rows(market, "SELECT count(*) FROM orders") == [(1,)]
    assert rows(market, "SELECT count(*) FROM order_events") == [(1,)]


def test_the_same_id_with_other_content_is_a_conflict_and_stores_nothing(market: Market) -> None:
    user = market.account()
    market.accept(user, market.request(client_order_id="a"))
    other = market.request(Side.SELL, client_order_id="a")
    fresh = market.request(client_order_id="b")

    (outcome,) = market.application.intake.acceptance.accept([Submission(user, (fresh, other))])

    assert isinstance(outcome, IdempotencyConflict)
    assert rows(market, "SELECT client_order_id, side FROM orders") == [("a", "BUY")]


def test_a_conflict_leaves_the_other_submissions_of_the_commit_alone(market: Market) -> None:
    user = market.account()
    market.accept(user, market.request(client_order_id="a"))
    bad = Submission(user, (market.request(Side.SELL, client_order_id="a"),))
    good = Submission(user, (market.request(client_order_id="b"),))

    outcomes = market.application.intake.acceptance.accept([bad, good])

    assert isinstance(outcomes[0], IdempotencyConflict)
    assert isinstance(outcomes[1], tuple)
    assert rows(market, "SELECT client_order_id FROM orders ORDER BY 1") == [("a",), ("b",)]


def test_one_id_from_twenty_threads_is_one_order(market: Market) -> None:
    user = market.account()
    submission = Submission(user, (market.request(client_order_id="once"),))

    def accept(_: int) -> int:
        (outcome,) = market.application.intake.acceptance.accept([submission])
        assert isinstance(outcome, tuple)
        return outcome[0].order_id

    with ThreadPoolExecutor(8) as pool:
        order_ids = set(pool.map(accept, range(20)))

    assert len(order_ids) == 1
    assert rows(market, "SELECT count(*) FROM orders") == [(1,)]


def test_the_same_id_of_two_accounts_is_two_orders(market: Market) -> None:
    first, second = market.account("first"), market.account("second")
    request = market.request(client_order_id="a")

    market.accept(first, request)
    market.accept(second, request)

    assert rows(market, "SELECT count(*) FROM orders") == [(2,)]


def test_orders_of_an_account_are_decided_in_the_order_of_acceptance(market: Market) -> None:
    user = market.account(cash="10000")
    early = market.accept(user, market.request())[0]
    late = market.accept(user, market.request())[0]

    market.application.trading.execution.run([late.order_id])

    assert market.statuses() == {early.order_id: "filled", late.order_id: "denied"}


def test_a_lane_leaves_the_other_lanes_alone(market: Market) -> None:
    user = market.account()
    low = market.accept(user, market.request(priority=Priority.LOW))[0]
    high = market.accept(user, market.request(priority=Priority.HIGH))[0]

    market.application.trading.execution.run([high.order_id])

    assert market.statuses() == {low.order_id: "received", high.order_id: "filled"}


def test_a_limit_order_rests_until_the_market_comes_to_it(market: Market) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request(limit="99.00"))
    market.application.trading.execution.run([accepted.order_id])
    assert market.statuses() == {accepted.order_id: "working"}
    assert market.application.trading.matching.run() == 0
    market.assert_invariants()

    market.quote(market.symbols[0], "98.00", "98.50")
    assert market.application.trading.matching.run() == 1

    assert rows(market, "SELECT status, average_price::text FROM orders") == [("filled", "99.0000")]
    market.assert_invariants()


def test_a_canceled_order_never_trades(market: Market) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())

    canceled = market.application.trading.cancellation.cancel(user, accepted.order_id)
    market.application.trading.execution.run([accepted.order_id])

    assert canceled.status == "canceled"
    assert market.statuses() == {accepted.order_id: "canceled"}
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]
    market.assert_invariants()


def test_canceling_a_resting_sale_frees_its_margin(market: Market) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request(Side.SELL, limit="120.00"))
    market.application.trading.execution.run([accepted.order_id])
    assert rows(market, "SELECT margin_used > 100000 FROM users") == [(True,)]

    market.application.trading.cancellation.cancel(user, accepted.order_id)

    assert rows(market, "SELECT margin_used::text FROM users") == [("0.00",)]
    market.assert_invariants()


def test_a_closed_order_cannot_be_canceled(market: Market) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())
    market.application.trading.execution.run([accepted.order_id])

    with pytest.raises(OrderAlreadyClosed):
        market.application.trading.cancellation.cancel(user, accepted.order_id)

    assert market.statuses() == {accepted.order_id: "filled"}


def test_another_accounts_order_cannot_be_canceled(market: Market) -> None:
    owner, other = market.account("owner"), market.account("other")
    (accepted,) = market.accept(owner, market.request())

    with pytest.raises(OrderNotFound):
        market.application.trading.cancellation.cancel(other, accepted.order_id)

    assert market.statuses() == {accepted.order_id: "received"}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda m: m.quote(m.symbols[0], "0", "0"), DenialReason.NO_QUOTE),
        (lambda m: m.quote(m.symbols[0], "101", "100"), DenialReason.NO_QUOTE),
        (lambda m: m.quote(m.symbols[0], "100", "101", 3600), DenialReason.STALE_QUOTE),
        (lambda m: m.spot(SPOT, 3600), DenialReason.STALE_QUOTE),
    ],
)
def test_a_sale_is_denied_where_the_market_cannot_be_trusted(
    market: Market, spoil: Callable[[Market], None], reason: DenialReason
) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request(Side.SELL))
    spoil(market)

    market.application.trading.execution.run([accepted.order_id])

    assert rows(market, "SELECT status, reason FROM orders") == [("denied", reason.value)]
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]
    assert rows(market, "SELECT margin_used::text FROM users") == [("0.00",)]
    market.assert_invariants()


def test_what_the_account_cannot_pay_is_denied(market: Market) -> None:
    user = market.account(cash="100")
    (accepted,) = market.accept(user, market.request())

    market.application.trading.execution.run([accepted.order_id])

    assert rows(market, "SELECT status, reason FROM orders") == [("denied", "INSUFFICIENT_MARGIN")]
    assert rows(market, "SELECT cash::text FROM users") == [("100.00",)]
    market.assert_invariants()


def test_immediate_or_cancel_leaves_nothing_behind(market: Market) -> None:
    user = market.account()
    request = market.request(limit="80.00", validity=Validity.IOC)
    (accepted,) = market.accept(user, request)

    market.application.trading.execution.run([accepted.order_id])

    assert rows(market, "SELECT status, reason FROM orders") == [("canceled", "NOT_MARKETABLE")]
    market.assert_invariants()


def test_orders_expire_when_their_validity_ends(market: Market) -> None:
    user = market.account()
    (resting,) = market.accept(user, market.request(limit="80.00"))
    market.application.trading.execution.run([resting.order_id])
    market.accept(user, market.request())
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET valid_until = now() - interval '1 second'")

    assert market.application.trading.expiry.run() == 2
    assert market.application.trading.expiry.run() == 0

    assert set(market.statuses().values()) == {"expired"}
    assert rows(market, "SELECT margin_used::text FROM users") == [("0.00",)]
    market.assert_invariants()


def test_an_order_that_is_decided_too_late_expires(market: Market) -> None:
    user = market.account()
    (accepted,) = market.accept(user, market.request())
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET valid_until = now() - interval '1 second'")

    market.application.trading.execution.run([accepted.order_id])

    assert market.statuses() == {accepted.order_id: "expired"}


def test_an_order_is_valid_until_the_close_of_its_session(market: Market) -> None:
    user = market.account()
    market.accept(user, market.request())

    ((until, accepted_at),) = rows(market, "SELECT valid_until, accepted_at FROM orders")

    close = market.application.base.calendar.next_close(accepted_at)
    assert until == close
    assert until - accepted_at < timedelta(days=5)


def test_a_poison_order_ends_alone_and_the_others_are_decided(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = market.account()
    accepted = market.accept(user, *[market.request() for _ in range(7)])
    poison = accepted[3].order_id
    honest = PaperMarket.terms

    def terms(self: PaperMarket, orders: list[Order]) -> Any:
        if any(order.id == poison for order in orders):
            raise ZeroDivisionError("poison")
        return honest(self, orders)

    monkeypatch.setattr(PaperMarket, "terms", terms)

    market.application.trading.execution.run([a.order_id for a in accepted])

    statuses = market.statuses()
    assert statuses.pop(poison) == "denied"
    assert set(statuses.values()) == {"filled"}
    ((detail,),) = rows(
        market, "SELECT detail FROM order_events WHERE reason = 'PROCESSING_FAILED'"
    )
    assert "ZeroDivisionError: poison" in detail
    market.assert_invariants()


def test_an_unknown_order_id_is_counted_and_dropped(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[Metric, float]] = []
    meter = market.application.base.meter
    monkeypatch.setattr(
        type(meter), "add", lambda _, metric, amount=1, **__: counted.append((metric, amount))
    )

    assert market.application.trading.execution.run([10**12, 10**12 + 1]) == 0

    assert counted == [(Metric.MESSAGES_DROPPED, 2)]
    assert market.statuses() == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"symbol": "NIFTY_25AUG20_24000CE"}, "symbol"),
        ({"quantity": 66}, "quantity"),
        ({"quantity": 65 * 27 * 200 + 65}, "quantity"),
        ({"limit": "100.03"}, "price"),
    ],
)
def test_what_does_not_fit_its_contract_is_refused(
    market: Market, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidOrder) as caught:
        market.application.intake.order_check.check((market.request(**changes),))

    assert [fault.field for fault in caught.value.faults] == [field]
    assert rows(market, "SELECT count(*) FROM orders") == [(0,)]


def test_acceptance_does_not_wait_for_the_execution_of_the_same_account(market: Market) -> None:
    user = market.account()
    (first,) = market.accept(user, market.request())

    with market.application.orders.units.begin() as unit:
        unit.claim([first.order_id], 1)
        with ThreadPoolExecutor(1) as pool:
            (second,) = pool.submit(market.accept, user, market.request()).result(timeout=120)

    assert second.order_id > first.order_id
