"""Amending against real servers: what changes, what is refused, and what then is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import OrderRequest, Side
from angel_x.errors import (
    AmendmentRefused,
    InvalidAmendment,
    OrderAlreadyClosed,
    OrderNotFound,
    OrderOnItsWay,
)
from angel_x.services.trading.amendment_form import AmendmentRequest
from tests.builders.orders import Market


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


@pytest.fixture
def user(market: Market) -> int:
    return market.account()


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def resting(market: Market, user: int, *requests: OrderRequest) -> list[int]:
    accepted = market.accept(user, *requests)
    order_ids = [a.order_id for a in accepted]
    market.application.trading.execution.run(order_ids)
    return order_ids


def snapshot(market: Market) -> Sequence[object]:
    """Everything that a refused amendment must leave alone."""
    return [
        rows(market, "SELECT quantity, limit_price, trigger_price, status, reserved, time_priority "
                     "FROM orders ORDER BY id"),
        rows(market, "SELECT cash, margin_used FROM users ORDER BY id"),
        rows(market, "SELECT count(*) FROM order_events"),
        rows(market, "SELECT count(*) FROM fills"),
    ]  # fmt: skip


def price(text: str) -> AmendmentRequest:
    return AmendmentRequest(limit_price=Decimal(text))


def test_a_new_price_holds_and_is_an_event(market: Market, user: int) -> None:
    (order_id,) = resting(market, user, market.request(limit="90.00"))

    assert market.application.trading.amending.amend(user, order_id, price("95.00"))

    assert rows(market, "SELECT status, limit_price::text FROM orders") == [("working", "95.00")]
    assert rows(
        market, "SELECT status, actor, reason, detail FROM order_events ORDER BY id DESC LIMIT 1"
    ) == [("working", "api", "AMENDED", "price 90.00 → 95.00")]
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]
    market.assert_invariants()


def test_the_same_amendment_again_changes_nothing(market: Market, user: int) -> None:
    (order_id,) = resting(market, user, market.request(limit="90.00"))
    market.application.trading.amending.amend(user, order_id, price("95.00"))
    before = snapshot(market)

    assert not market.application.trading.amending.amend(user, order_id, price("95.00"))

    assert snapshot(market) == before


def test_an_order_amended_into_the_market_trades_at_once(market: Market, user: int) -> None:
    (order_id,) = resting(market, user, market.request(limit="90.00"))

    market.application.trading.amending.amend(user, order_id, price("101.00"))

    assert rows(market, "SELECT status, average_price::text FROM orders") == [
        ("filled", "100.5000")
    ]
    market.assert_invariants()


def test_a_higher_bid_reserves_more_and_a_lower_one_less(market: Market, user: int) -> None:
    (order_id,) = resting(market, user, market.request(limit="80.00"))
    ((first,),) = rows(market, "SELECT margin_used FROM users")

    market.application.trading.amending.amend(user, order_id, price("90.00"))
    ((higher,),) = rows(market, "SELECT margin_used FROM users")
    market.application.trading.amending.amend(user, order_id, price("80.00"))
    ((again,),) = rows(market, "SELECT margin_used FROM users")

    assert higher > first
    assert again == first
    market.assert_invariants()


def test_more_sold_takes_more_margin_and_less_gives_it_back(market: Market, user: int) -> None:
    (order_id,) = resting(market, user, market.request(Side.SELL, limit="120.00"))
    ((one_lot,),) = rows(market, "SELECT sum(margin) FROM margins")

    market.application.trading.amending.amend(user, order_id, AmendmentRequest(quantity=130))
    ((more,),) = rows(market, "SELECT sum(margin) FROM margins")
    assert 0 <= 2 * one_lot - more <= Decimal("0.01"), "rounded up once"
    market.assert_invariants()
    market.application.trading.amending.amend(user, order_id, AmendmentRequest(quantity=65))

    assert rows(market, "SELECT sum(margin) FROM margins") == [(one_lot,)]
    market.assert_invariants()


@pytest.mark.parametrize(
    ("change", "loses"),
    [
        (AmendmentRequest(quantity=65), False),
        (AmendmentRequest(quantity=195), True),
        (price("91.00"), True),
    ],
)
def test_price_and_more_quantity_go_to_the_end_of_the_line(
    market: Market, user: int, change: AmendmentRequest, *, loses: bool
) -> None:
    first, second = resting(
        market,
        user,
        market.request(limit="90.00", quantity=130),
        market.request(limit="91.00", quantity=130),
    )

    market.application.trading.amending.amend(user, first, change)

    ranks = dict(rows(market, "SELECT id, time_priority FROM orders"))
    assert (ranks[first] > ranks[second]) is loses


def test_what_waits_is_amended_before_it_is_decided(market: Market, user: int) -> None:
    (accepted,) = market.accept(user, market.request(quantity=130))

    market.application.trading.amending.amend(
        user, accepted.order_id, AmendmentRequest(quantity=65)
    )
    assert rows(market, "SELECT status, quantity FROM orders") == [("received", 65)]
    market.application.trading.execution.run([accepted.order_id])

    assert rows(market, "SELECT status, filled_quantity FROM orders") == [("filled", 65)]
    market.assert_invariants()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (price("95.03"), "price"),
        (price("1000.00"), "price"),
        (AmendmentRequest(quantity=66), "quantity"),
        (AmendmentRequest(quantity=65 * 28), "quantity"),
        (AmendmentRequest(trigger_price=Decimal(90)), "trigger_price"),
    ],
)
def test_a_bad_value_is_named_and_nothing_changes(
    market: Market, user: int, change: AmendmentRequest, field: str
) -> None:
    (order_id,) = resting(market, user, market.request(limit="90.00"))
    before = snapshot(market)

    with pytest.raises(InvalidAmendment) as caught:
        market.application.trading.amending.amend(user, order_id, change)

    assert [fault.field for fault in caught.value.faults] == [field]
    assert snapshot(market) == before


def test_an_order_at_market_that_waits_has_no_price_to_change(market: Market, user: int) -> None:
    (accepted,) = market.accept(user, market.request())
    before = snapshot(market)

    with pytest.raises(InvalidAmendment, match="is at market"):
        market.application.trading.amending.amend(user, accepted.order_id, price("95.00"))

    assert snapshot(market) == before


def test_a_quantity_that_has_traded_cannot_be_taken_back(market: Market, user: int) -> None:
    market.quote(market.symbols[0], "100.00", "100.50", size=65)
    (order_id,) = resting(market, user, market.request(limit="101.00", quantity=195))
    assert rows(market, "SELECT status, filled_quantity FROM orders") == [("partially_filled", 65)]
    before = snapshot(market)

    with pytest.raises(InvalidAmendment, match="above the 65"):
        market.application.trading.amending.amend(user, order_id, AmendmentRequest(quantity=65))

    assert snapshot(market) == before
    market.application.trading.amending.amend(user, order_id, AmendmentRequest(quantity=130))
    assert rows(market, "SELECT status, quantity, filled_quantity FROM orders") == [
        ("partially_filled", 130, 65)
    ]
    market.assert_invariants()


def test_what_the_margin_does_not_allow_is_refused_and_nothing_changes(market: Market) -> None:
    poor = market.account("poor", cash="7000")
    (order_id,) = resting(market, poor, market.request(limit="90.00"))
    before = snapshot(market)

    with pytest.raises(AmendmentRefused) as caught:
        market.application.trading.amending.amend(poor, order_id, AmendmentRequest(quantity=130))

    assert caught.value.reason == DenialReason.INSUFFICIENT_MARGIN
    assert snapshot(market) == before
    market.assert_invariants()


def test_a_halted_account_changes_nothing(market: Market, user: int) -> None:
    (order_id,) = resting(market, user, market.request(limit="90.00"))
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO trading_controls (scope, name, state, actor) "
            "VALUES ('system', '', 'halted', 'test')"
        )
    before = snapshot(market)

    with pytest.raises(AmendmentRefused) as caught:
        market.application.trading.amending.amend(user, order_id, price("101.00"))

    assert caught.value.reason == DenialReason.TRADING_HALTED
    assert snapshot(market) == before


def test_a_closed_order_says_how_it_ended(market: Market, user: int) -> None:
    (order_id,) = resting(market, user, market.request())
    before = snapshot(market)

    with pytest.raises(OrderAlreadyClosed) as caught:
        market.application.trading.amending.amend(user, order_id, price("90.00"))

    assert caught.value.status == "filled"
    assert snapshot(market) == before


def test_an_order_of_yesterday_is_not_amended_into_a_trade(market: Market, user: int) -> None:
    (order_id,) = resting(market, user, market.request(limit="90.00"))
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET valid_until = now() - interval '1 second'")
    before = snapshot(market)

    with pytest.raises(OrderAlreadyClosed) as caught:
        market.application.trading.amending.amend(user, order_id, price("101.00"))

    assert caught.value.status == "expired"
    assert snapshot(market) == before


def test_an_order_on_its_way_is_to_be_tried_again(market: Market, user: int) -> None:
    (accepted,) = market.accept(user, market.request(limit="90.00"))
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET status = 'submitting', lease_until = now() + interval '1 minute'"
        )
    before = snapshot(market)

    with pytest.raises(OrderOnItsWay):
        market.application.trading.amending.amend(user, accepted.order_id, price("95.00"))

    assert snapshot(market) == before


def test_another_accounts_order_cannot_be_amended(market: Market, user: int) -> None:
    other = market.account("other")
    (order_id,) = resting(market, user, market.request(limit="90.00"))
    before = snapshot(market)

    with pytest.raises(OrderNotFound):
        market.application.trading.amending.amend(other, order_id, price("95.00"))

    assert snapshot(market) == before


def test_a_stop_takes_a_new_trigger_until_it_is_triggered(market: Market, user: int) -> None:
    stop = market.request(limit="120.00", trigger="110.00")
    (order_id,) = resting(market, user, stop)
    assert set(market.statuses().values()) == {"trigger_pending"}

    market.application.trading.amending.amend(
        user, order_id, AmendmentRequest(trigger_price=Decimal("115.00"))
    )
    assert rows(market, "SELECT status, trigger_price::text FROM orders") == [
        ("trigger_pending", "115.00")
    ]
    passed = AmendmentRequest(trigger_price=Decimal("99.00"))
    with pytest.raises(AmendmentRefused, match="TRIGGER_PASSED"):
        market.application.trading.amending.amend(user, order_id, passed)
    market.application.people.limits.put(user, {"trigger_at_once": 1}, "test")
    market.application.trading.amending.amend(user, order_id, passed)

    assert set(market.statuses().values()) == {"filled"}
    market.assert_invariants()


def test_amending_and_matching_at_once_end_in_one_story(market: Market, user: int) -> None:
    order_ids = resting(market, user, *[market.request(limit="90.00") for _ in range(20)])
    market.quote(market.symbols[0], "84.50", "85.00")

    def amend(order_id: int) -> str:
        try:
            market.application.trading.amending.amend(user, order_id, price("80.00"))
        except OrderAlreadyClosed as closed:
            return closed.status
        return "amended"

    with ThreadPoolExecutor(4) as pool:
        matched = pool.submit(market.application.trading.matching.run)
        told = dict(zip(order_ids, pool.map(amend, order_ids), strict=True))
        matched.result()

    prices = dict(rows(market, "SELECT id, limit_price::text FROM orders"))
    for order_id, status in market.statuses().items():
        expected = (
            ("filled", "filled", "90.00") if status == "filled" else ("amended", "working", "80.00")
        )
        assert (told[order_id], status, prices[order_id]) == expected
    market.assert_invariants()
