"""The contract of venues: paper, paper that takes its time, a scripted one, and the broker's."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from angel_x.domain.exchange.answer import VenueState
from angel_x.domain.orders.order import OrderStatus, Side
from angel_x.errors import AmendmentRefused, InvalidAmendment, OrderAlreadyClosed
from tests.builders.broker import Broker, broker
from tests.builders.paper import CALL, LOT
from tests.builders.trading import ALL, ANGEL_ONE, KINDS, SCRIPTED, STANDS, Trading, end_session

CANCELED, EXPIRED, FILLED = OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.FILLED


@pytest.fixture(scope="module")
def at_broker() -> Iterator[Broker]:
    with broker() as found:
        yield found


@pytest.fixture(params=KINDS)
def trading(request: pytest.FixtureRequest) -> Trading:
    if request.param != ANGEL_ONE:
        return Trading(request.param)
    at_broker = request.getfixturevalue("at_broker")
    at_broker.begin_day()
    return Trading(request.param, at_broker=at_broker.venue)


def test_every_request_is_answered_for_each_order_in_its_place(trading: Trading) -> None:
    orders = [trading.exchange.order(limit=limit) for limit in (10_100, 9_900, 10_100)]
    for order in orders:
        order.status = OrderStatus.SUBMITTING
    venue = trading.venue

    previews, placed = venue.preview(orders), venue.place(orders)
    settled = venue.settle(orders)

    assert [terms.limit_price for terms in previews] == [order.limit_price for order in orders]
    assert all(answer.is_known for answer in [*placed, *settled])
    assert [a.state for a in venue.cancel(orders[1:2])] == [VenueState.CANCELED]
    assert len(venue.status([order.tag for order in orders])) == 3
    assert list(venue.place([])) == list(venue.settle([])) == list(venue.cancel([])) == []


def test_an_order_that_the_market_reaches_is_filled_once(trading: Trading) -> None:
    order = trading.order("101.00")

    trading.execution.run([order.id])
    trading.execution.run_exactly([order.id])

    assert order.status is FILLED
    assert [units for _, units in trading.executions] == [2 * LOT]
    assert trading.tables.positions.popitem()[1].quantity == 2 * LOT
    assert order.reserved == trading.margin_used == 0


def test_executions_have_names_of_their_own(trading: Trading) -> None:
    trading.order("101.00")
    trading.order("101.00")

    names = [name for name, _ in trading.executions]
    assert len(set(names)) == 2
    assert all(names)


def test_what_does_not_trade_rests_and_holds_its_margin(trading: Trading) -> None:
    order = trading.order()

    assert order.status in STANDS
    assert trading.margin_used == order.reserved > 99 * 2 * LOT
    assert trading.executions == []


def test_what_the_venue_refuses_says_why_and_holds_nothing(trading: Trading) -> None:
    order = trading.order("100000.00")

    assert order.status in {OrderStatus.DENIED, OrderStatus.REJECTED}
    assert trading.row(order.id).reason == "PRICE_BAND"
    assert trading.margin_used == 0
    assert not trading.executions


def test_a_canceled_order_is_off_the_market_and_holds_nothing(trading: Trading) -> None:
    order = trading.order()

    trading.cancellation.cancel(1, order.id)

    assert order.status is CANCELED
    assert trading.row(order.id).reason == "REQUESTED"
    assert trading.margin_used == order.reserved == 0
    with pytest.raises(OrderAlreadyClosed):
        trading.cancellation.cancel(1, order.id)


def test_all_orders_are_canceled_each_for_itself(trading: Trading) -> None:
    resting, filled = [trading.order() for _ in range(2)], trading.order("101.00")

    trading.cancel_all.run(1, ALL, actor="ann")

    assert [order.status for order in [*resting, filled]] == [CANCELED, CANCELED, FILLED]
    assert trading.margin_used == 0


def test_an_order_whose_session_is_over_expires(trading: Trading) -> None:
    order = trading.order()
    end_session(trading)

    assert trading.expiry.run() == 1

    assert order.status is EXPIRED
    assert trading.row(order.id).reason == "VALIDITY_ENDED"
    assert trading.margin_used == 0
    assert trading.expiry.run() == 0


@pytest.mark.parametrize(("limit", "lots"), [("98.00", None), (None, 3), (None, 1), ("99.50", 1)])
def test_an_amended_order_stands_where_it_was_asked_to_and_holds_what_that_takes(
    trading: Trading, limit: str | None, lots: int | None
) -> None:
    order, other = trading.order(), Trading(SCRIPTED).order(limit or "99.00", lots or 2)

    assert trading.amend(order, limit, lots)

    assert order.status in STANDS
    assert (order.limit_price, order.quantity) == (Decimal(limit or "99.00"), (lots or 2) * LOT)
    assert trading.margin_used == order.reserved == other.reserved
    place = trading.tables.exposures[1, order.symbol]
    assert (place.open_buy_quantity, place.net_quantity) == (order.quantity, 0)
    assert not trading.amend(order, limit, lots)


def test_an_order_that_is_amended_into_the_market_is_filled(trading: Trading) -> None:
    order = trading.order()

    assert trading.amend(order, "101.00")

    assert order.status is FILLED
    assert [units for _, units in trading.executions] == [2 * LOT]
    assert trading.margin_used == 0


def test_an_amendment_that_is_refused_changes_nothing(trading: Trading) -> None:
    order = trading.order()
    held = order.reserved
    trading.tables.accounts[1].cash = held

    with pytest.raises((AmendmentRefused, InvalidAmendment)):
        trading.amend(order, lots=20)

    assert (order.status in STANDS, order.quantity, order.reserved) == (True, 2 * LOT, held)
    assert trading.margin_used == held


def test_the_way_out_of_a_position_trades_as_the_way_in(trading: Trading) -> None:
    trading.order("101.00")
    closing = trading.order("100.00", side=Side.SELL)

    assert closing.status is FILLED
    assert not any(p.quantity for p in trading.tables.positions.values())
    assert trading.tables.exposures[1, CALL].net_quantity == 0
