"""Amendments at the end of an order's validity and at the edges of its new terms."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from angel_x.domain.orders.order import Order, OrderStatus
from angel_x.errors import InvalidAmendment, OrderAlreadyClosed, OrderNotFound
from angel_x.services.intake.slicing import Slicing
from angel_x.services.trading.amendment import Amending
from angel_x.services.trading.amendment_form import AmendmentRequest
from tests.builders.markets import RULES
from tests.builders.paper import LOT, MAX_AGE_SECONDS, UNIVERSE, Exchange, OneUniverse
from tests.builders.venue_desk import venue_desk
from tests.fakes.aftermath import SilentAftermath

MILLISECOND = timedelta(milliseconds=1)


class Desk:
    """An order that rests at 99.00 and the one who amends it."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.exchange.quote()
        self.order: Order = self.exchange.order(limit=9_900, lots=2)
        self.exchange.decide(self.order)
        self.aftermath = SilentAftermath()
        self.amending = Amending(
            desk=venue_desk(
                self.exchange.units, self.exchange.venue, self.aftermath, self.exchange.clock
            ),
            venue=self.exchange.venue,
            universes=OneUniverse(UNIVERSE),
            slicing=Slicing(lambda: RULES),
            market_clock=self.exchange.clock,
        )

    def amend(self, change: AmendmentRequest, user: int = 1) -> bool:
        return self.amending.amend(user, self.order.id, change)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(("left", "is_over"), [(-1, True), (0, True), (1, False)])
def test_an_order_may_be_amended_until_its_hour_and_not_at_it(
    desk: Desk, left: int, *, is_over: bool
) -> None:
    desk.order.valid_until = desk.exchange.clock() + left * MILLISECOND
    change = AmendmentRequest(limit_price=Decimal("100.50"))

    if is_over:
        with pytest.raises(OrderAlreadyClosed, match="expired"):
            desk.amend(change)
        assert desk.order.limit_price == Decimal("99.00")
        assert desk.aftermath.told == []
    else:
        assert desk.amend(change)
    assert desk.exchange.fills == ([] if is_over else [(1, 2 * LOT, 10_050)])


@pytest.mark.parametrize(
    ("price", "status"),
    [("100.45", OrderStatus.WORKING), ("100.50", OrderStatus.FILLED)],
)
def test_an_order_that_is_amended_to_the_touch_trades_and_a_tick_short_of_it_rests(
    desk: Desk, price: str, status: OrderStatus
) -> None:
    assert desk.amend(AmendmentRequest(limit_price=Decimal(price)))

    assert desk.order.status is status


@pytest.mark.parametrize("quantity", [LOT - 1, LOT + 1, 1_755 + LOT])
def test_a_quantity_of_parts_of_lots_or_above_the_largest_order_changes_nothing(
    desk: Desk, quantity: int
) -> None:
    with pytest.raises(InvalidAmendment) as refused:
        desk.amend(AmendmentRequest(quantity=quantity))

    assert {(fault.index, fault.field) for fault in refused.value.faults} == {(0, "quantity")}
    assert desk.order.quantity == 2 * LOT
    assert desk.aftermath.told == []


@pytest.mark.parametrize("quantity", [LOT, 3 * LOT, 1_755])
def test_a_quantity_of_whole_lots_up_to_the_largest_order_is_taken(
    desk: Desk, quantity: int
) -> None:
    assert desk.amend(AmendmentRequest(quantity=quantity))
    assert desk.order.quantity == quantity
    assert len(desk.aftermath.told) == 1
    assert not desk.amend(AmendmentRequest(quantity=quantity))
    assert len(desk.aftermath.told) == 1


def test_an_order_of_another_account_is_not_found(desk: Desk) -> None:
    with pytest.raises(OrderNotFound):
        desk.amend(AmendmentRequest(limit_price=Decimal("100.50")), user=2)

    assert desk.exchange.fills == []


@pytest.mark.parametrize(
    ("price", "is_taken"), [("140.00", True), ("140.05", False), ("60.00", True), ("59.95", False)]
)
def test_an_amended_limit_may_lie_on_the_band_and_not_beyond_it(
    desk: Desk, price: str, *, is_taken: bool
) -> None:
    change = AmendmentRequest(limit_price=Decimal(price))

    if is_taken:
        assert desk.amend(change)
    else:
        with pytest.raises(InvalidAmendment, match="inside the price band"):
            desk.amend(change)
    assert desk.order.limit_price == Decimal(price if is_taken else "99.00")


@pytest.mark.parametrize(("quantity", "is_taken"), [(LOT, False), (2 * LOT, True)])
def test_a_quantity_must_stay_above_what_has_traded(
    desk: Desk, quantity: int, *, is_taken: bool
) -> None:
    desk.exchange.quote(bid=9_800, ask=9_900, ask_size=LOT)
    desk.exchange.matching.run()
    assert desk.order.filled_quantity == LOT

    change = AmendmentRequest(quantity=quantity, limit_price=Decimal("98.95"))
    if is_taken:
        assert desk.amend(change)
    else:
        with pytest.raises(InvalidAmendment, match="must be above the 65 that have traded"):
            desk.amend(change)

    assert desk.order.filled_quantity == LOT


def test_an_order_that_waits_to_be_decided_is_amended_without_a_market(desk: Desk) -> None:
    waiting = desk.exchange.order(limit=9_900, lots=2)
    desk.exchange.clock.advance(MAX_AGE_SECONDS + 1)

    assert desk.amending.amend(1, waiting.id, AmendmentRequest(limit_price=Decimal("98.00")))

    assert (waiting.status, waiting.limit_price) == (OrderStatus.RECEIVED, Decimal("98.00"))


def test_an_order_that_waits_is_not_amended_to_a_price_outside_of_the_band(desk: Desk) -> None:
    waiting = desk.exchange.order(limit=9_900, lots=2)

    with pytest.raises(InvalidAmendment, match="inside the price band"):
        desk.amending.amend(1, waiting.id, AmendmentRequest(limit_price=Decimal("500.00")))

    assert (waiting.status, waiting.limit_price) == (OrderStatus.RECEIVED, Decimal("99.00"))
    assert desk.aftermath.told == []
