"""Paper twins of live orders, in the market of a paper exchange in memory."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.order import Order, OrderStatus, Side, Validity
from angel_x.services.trading.paper_twins import PaperTwins
from tests.builders.paper import LOT, Exchange
from tests.builders.shadow import quoting_exchange, twins_beside
from tests.fakes.twins import MemoryTwins

FILLED, PARTIALLY_FILLED = OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED
WORKING, CANCELED, REJECTED = OrderStatus.WORKING, OrderStatus.CANCELED, OrderStatus.REJECTED


@pytest.fixture
def exchange() -> Exchange:
    return quoting_exchange()


@pytest.fixture
def store() -> MemoryTwins:
    return MemoryTwins()


@pytest.fixture
def twins(exchange: Exchange, store: MemoryTwins) -> PaperTwins:
    return twins_beside(exchange, store)


def in_time() -> bool:
    return True


def sent(order: Order) -> Order:
    """Return an order as it is sent to the exchange."""
    order.status = OrderStatus.SUBMITTING
    return order


def test_a_twin_trades_at_the_touch_of_the_moment_and_the_order_is_untouched(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    buy = sent(exchange.order(lots=2, limit=10_100))
    sell = sent(exchange.order(Side.SELL, limit=9_900))
    before = replace(buy)

    twins.arrive([buy, sell], in_time)

    bought, sold = store.twins[buy.id], store.twins[sell.id]
    assert (bought.status, bought.filled_quantity) == (FILLED, 2 * LOT)
    assert (bought.average_price, sold.average_price) == (Decimal("100.50"), Decimal("100.00"))
    assert buy == before
    assert exchange.fills == []


def test_an_order_has_one_twin_however_often_it_is_sent(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    order = sent(exchange.order(limit=10_100))
    twins.arrive([order], in_time)
    exchange.quote(bid=10_020, ask=10_070)

    twins.arrive([replace(order, attempt=2)], in_time)

    assert store.twins[order.id].average_price == Decimal("100.50")


def test_a_twin_that_rests_trades_at_its_own_limit_when_the_market_comes_to_it(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    order = sent(exchange.order(limit=9_950))
    twins.arrive([order], in_time)
    twins.follow()
    assert store.twins[order.id].status is WORKING

    exchange.quote(bid=9_850, ask=9_900, ask_size=LOT)
    twins.follow()
    twins.follow()

    assert (store.twins[order.id].status, store.filled_at[order.id]) == (FILLED, exchange.clock())
    assert store.twins[order.id].average_price == Decimal("99.50")


def test_twins_share_the_displayed_size_and_a_resting_one_of_as_good_a_price_is_first(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    resting = sent(exchange.order(lots=3, limit=10_000))
    twins.arrive([resting], in_time)
    exchange.quote(bid=9_950, ask=10_000, ask_size=4 * LOT)
    late = sent(exchange.order(lots=3, limit=10_000))

    twins.arrive([late], in_time)

    assert store.twins[resting.id].status is FILLED
    assert store.twins[late.id].status is PARTIALLY_FILLED
    assert store.twins[late.id].filled_quantity == LOT


@pytest.mark.parametrize(
    ("limit", "size", "filled", "reason"),
    [(9_900, 10, 0, "NOT_MARKETABLE"), (10_100, 1, 1, "NOT_FILLED_AT_ONCE")],
)
def test_the_rest_of_an_immediate_or_cancel_twin_is_canceled(
    exchange: Exchange,
    store: MemoryTwins,
    twins: PaperTwins,
    limit: int,
    size: int,
    filled: int,
    reason: str,
) -> None:
    exchange.quote(ask_size=size * LOT)
    order = sent(exchange.order(lots=2, limit=limit, validity=Validity.IOC))

    twins.arrive([order], in_time)

    found = store.twins[order.id]
    assert (found.status, found.reason) == (CANCELED, reason)
    assert found.filled_quantity == filled * LOT


def test_a_stop_twin_waits_for_its_trigger(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    order = sent(exchange.order(limit=10_300, trigger=10_200))
    passed = sent(exchange.order(limit=10_100, trigger=9_900))
    twins.arrive([order, passed], in_time)
    assert store.twins[order.id].status is OrderStatus.TRIGGER_PENDING
    found = store.twins[passed.id]
    assert (found.status, found.reason) == (REJECTED, "TRIGGER_PASSED")

    exchange.quote(bid=10_200, ask=10_250, last=10_200)
    twins.follow()

    assert store.twins[order.id].status is FILLED
    assert store.twins[order.id].average_price == Decimal("102.50")


def test_a_twin_that_paper_would_refuse_says_why(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    order = sent(exchange.order(limit=10_000_000))

    twins.arrive([order], in_time)

    assert (store.twins[order.id].status, store.twins[order.id].reason) == (REJECTED, "PRICE_BAND")


def test_an_amended_twin_trades_by_its_new_price_as_one_that_comes_in(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    order = sent(exchange.order(lots=2, limit=9_900))
    twins.arrive([order], in_time)

    twins.amend([(order, Amendment(3 * LOT, Decimal("101.00"), None))])
    twins.amend([(order, Amendment(LOT, Decimal("90.00"), None))])

    found = store.twins[order.id]
    assert (found.status, found.quantity, found.filled_quantity) == (FILLED, 3 * LOT, 3 * LOT)
    assert found.average_price == Decimal("100.50")


def test_a_twin_whose_validity_is_over_is_neither_amended_nor_canceled(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    orders = [sent(exchange.order(limit=9_900)) for _ in range(2)]
    for order in orders:
        order.valid_until = exchange.clock()
    twins.arrive(orders, in_time)

    twins.amend([(orders[0], Amendment(LOT, Decimal("101.00"), None))])
    twins.cancel(orders[1:])

    assert [store.twins[order.id].status for order in orders] == [OrderStatus.EXPIRED] * 2


def test_a_twin_that_has_traded_more_than_an_amendment_leaves_is_filled(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    exchange.quote(ask_size=2 * LOT)
    order = sent(exchange.order(lots=3, limit=10_100))
    twins.arrive([order], in_time)

    twins.amend([(order, Amendment(LOT, Decimal("101.00"), None))])

    found = store.twins[order.id]
    assert (found.status, found.quantity, found.filled_quantity) == (FILLED, 2 * LOT, 2 * LOT)


def test_a_twin_ends_with_the_cancellation_of_its_order_the_end_of_it_and_its_validity(
    exchange: Exchange, store: MemoryTwins, twins: PaperTwins
) -> None:
    requested, elsewhere, ends, filled = (
        sent(exchange.order(limit=limit)) for limit in (9_900, 9_900, 9_900, 10_100)
    )
    ends.valid_until = exchange.clock()
    twins.arrive([requested, elsewhere, ends, filled], in_time)
    store.canceled_orders = {elsewhere.id, filled.id}

    twins.cancel([requested, filled])
    twins.follow()
    exchange.quote(bid=9_000, ask=9_050)
    twins.follow()

    reasons = [
        (store.twins[o.id].status, store.twins[o.id].reason)
        for o in (requested, elsewhere, ends, filled)
    ]
    assert reasons == [
        (CANCELED, "REQUESTED"),
        (CANCELED, "CANCELED_BY_VENUE"),
        (OrderStatus.EXPIRED, "VALIDITY_ENDED"),
        (FILLED, None),
    ]
