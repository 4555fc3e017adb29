"""Sending a parked order again: once while it is open, and never once it has traded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from angel_x.domain.orders.order import Order, OrderStatus, Priority
from angel_x.errors import ReplayRefused, UnknownOrder
from angel_x.services.trading.replay import Replays
from tests.builders.markets import CALENDAR, ManualClock
from tests.fakes.dispatcher import MemoryDispatcher, Ring
from tests.fakes.replays import MemoryReplays
from tests.fakes.tables import LOT, NOW, Tables


class Office:
    """Somebody who sends parked orders again, and everything that this touches."""

    def __init__(self) -> None:
        self.tables, self.dispatcher = Tables(), MemoryDispatcher()
        self.clock = ManualClock(NOW)
        self.orders = MemoryReplays(
            self.tables, ring_after_seconds=2, expires_at=lambda _: NOW + timedelta(days=9)
        )
        self.replays = Replays(
            orders=self.orders,
            calendar=CALENDAR,
            market_clock=self.clock,
            dispatcher=self.dispatcher,
        )

    def parked(self, **columns: Any) -> Order:
        kept = {name: columns.pop(name) for name in ("basket_id",) if name in columns}
        order = self.tables.order(**{"client_order_id": "mine"} | columns)
        self.end(order, OrderStatus.DENIED, "PROCESSING_FAILED")
        for name, value in kept.items():
            setattr(self.tables.rows[order.id], name, value)
        return order

    def end(self, order: Order, status: OrderStatus, reason: str | None = None) -> None:
        order.status = status
        row = self.tables.rows[order.id]
        row.reason, row.closed_at = reason, NOW

    def order(self, order_id: str) -> Order:
        return self.tables.rows[int(order_id)].order


@pytest.fixture
def office() -> Office:
    return Office()


def test_the_content_is_sent_as_a_new_order_and_rung_for(office: Office) -> None:
    parked = office.parked(priority=Priority.HIGH)

    answer = office.replays.replay(parked.id, "cli:asha")

    assert (answer.client_order_id, answer.replay_of) == ("mine replay 1", str(parked.id))
    sent = office.order(answer.order_id)
    assert (sent.client_order_id, sent.status) == ("mine replay 1", OrderStatus.RECEIVED)
    assert sent.valid_until == CALENDAR.next_close(NOW)
    assert office.tables.events[-1].actor == "cli:asha"
    assert office.dispatcher.rings == [Ring(Priority.HIGH, (sent.id,))]


def test_a_bell_that_is_not_taken_is_left_to_the_relay(office: Office) -> None:
    office.dispatcher.is_away = True

    answer = office.replays.replay(office.parked().id, "cli:asha")

    assert office.order(answer.order_id).status is OrderStatus.RECEIVED


def refused(office: Office, order_id: int, why: str) -> None:
    count, rings = len(office.tables.rows), list(office.dispatcher.rings)
    with pytest.raises(ReplayRefused, match=why):
        office.replays.replay(order_id, "cli:ravi")
    assert len(office.tables.rows) == count
    assert office.dispatcher.rings == rings


@pytest.mark.parametrize("status", ["received", "submitting", "working", "partially_filled"])
def test_an_order_whose_replay_is_open_is_not_sent_again(office: Office, status: str) -> None:
    parked = office.parked()
    sent = office.order(office.replays.replay(parked.id, "cli:asha").order_id)
    sent.status = OrderStatus(status)

    refused(office, parked.id, f"open or has traded: {sent.id}")
    refused(office, sent.id, f"open or has traded: {sent.id}")


@pytest.mark.parametrize("status", ["filled", "canceled", "expired"])
def test_an_order_whose_replay_has_traded_is_never_sent_again(office: Office, status: str) -> None:
    parked = office.parked()
    sent = office.order(office.replays.replay(parked.id, "cli:asha").order_id)
    sent.filled_quantity = LOT if status == "filled" else 1
    office.end(sent, OrderStatus(status))

    refused(office, parked.id, "open or has traded")
    refused(office, sent.id, "open or has traded")


@pytest.mark.parametrize("status", ["denied", "rejected", "canceled", "expired"])
def test_an_order_whose_replay_has_ended_in_nothing_is_sent_again_in_its_own_name(
    office: Office, status: str
) -> None:
    parked = office.parked()
    sent = office.order(office.replays.replay(parked.id, "cli:asha").order_id)
    office.end(sent, OrderStatus(status), "NO_QUOTE")

    answer = office.replays.replay(sent.id, "cli:asha")

    assert (answer.client_order_id, answer.replay_of) == ("mine replay 2", str(parked.id))


def test_an_order_that_was_not_parked_is_not_sent_again(office: Office) -> None:
    order = office.tables.order()
    refused(office, order.id, "not parked")
    office.end(order, OrderStatus.DENIED, "NO_QUOTE")
    refused(office, order.id, "not parked")


@pytest.mark.parametrize(
    "columns", [{"basket_id": 4}, {"client_order_id": "square-off 7 1"}], ids=["basket", "exit"]
)
def test_a_part_of_a_basket_or_a_square_off_is_left_to_it(
    office: Office, columns: dict[str, Any]
) -> None:
    refused(office, office.parked(**columns).id, "basket or a square-off")


def test_an_id_that_no_order_has_is_said_so(office: Office) -> None:
    with pytest.raises(UnknownOrder):
        office.replays.replay(9, "cli:asha")

    assert office.dispatcher.rings == []


def test_parked_orders_are_listed_and_counted(office: Office) -> None:
    first, second = office.parked(), office.parked(client_order_id="other")
    office.replays.replay(first.id, "cli:asha")

    assert [order.order_id for order in office.replays.parked()] == [str(second.id)]
    both = office.replays.parked(replayed=True)
    assert [order.order_id for order in both] == [str(second.id), str(first.id)]
    assert len(office.replays.parked(limit=1, replayed=True)) == 1
    assert office.replays.waiting() == 1
