"""The aftermath: what is told of a book once it is committed, and what is lost without harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from angel_x.domain.book.account import Account
from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import ParentOrder
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, Priority
from angel_x.services.trading.aftermath import Aftermath
from tests.builders.recorders import RecordingDispatcher, RecordingEvents, RecordingMeter
from tests.builders.terms import fill, rest
from tests.fakes.resting import MemoryResting
from tests.fakes.tables import LOT, SYMBOL, Tables


class Away(Exception):
    """The cache or the message broker is not there."""


@dataclass
class Portfolios:
    """Marks accounts, all but those that are marked already."""

    marked: list[list[int]] = field(default_factory=list)
    already: set[int] = field(default_factory=set)

    def mark_dirty(self, user_ids: list[int]) -> list[int]:
        self.marked.append(user_ids)
        return [user_id for user_id in user_ids if user_id not in self.already]


@dataclass
class BrokenEvents(RecordingEvents):
    error: Exception = field(default_factory=Away)

    def publish(self, events: Sequence[Mapping[str, object]]) -> None:
        raise self.error


@dataclass
class LabelingMeter(RecordingMeter):
    labels: list[tuple[Metric, float, Mapping[str, str]]] = field(default_factory=list)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        self.labels.append((metric, value, labels))


class World:
    """An aftermath, and everybody whom it tells."""

    def __init__(
        self, events: RecordingEvents | None = None, *, log_decisions: bool = False
    ) -> None:
        self.events = events or RecordingEvents()
        self.portfolios, self.dispatcher = Portfolios(), RecordingDispatcher()
        self.meter, self.resting = LabelingMeter(), MemoryResting()
        self.aftermath = Aftermath(
            publish=self.events.publish,
            mark_dirty=self.portfolios.mark_dirty,
            resting=self.resting,
            dispatcher=self.dispatcher,
            meter=self.meter,
            unreachable=(Away,),
            log_decisions=log_decisions,
        )
        self.tables = Tables()

    def order(self, user_id: int = 1, limit: str | None = None, **columns: Any) -> Order:
        return self.tables.order(user_id, limit, **columns)


def book_of(*orders: Order) -> Book:
    accounts = {
        o.user_id: Account(o.user_id, Decimal(10**7), Decimal(0), Decimal(0)) for o in orders
    }
    return Book(accounts, {}, {})


def test_a_decision_is_a_line_of_the_log_where_log_decisions_asks_for_it() -> None:
    quiet, telling = World(), World(log_decisions=True)
    order = replace(telling.order(), age_seconds=0.25, attempt=1)
    book = book_of(order)
    book.decide(order, fill("100.50"))

    with capture_logs() as logs:
        quiet.aftermath.tell(book, elapsed_seconds=0.5)
        assert logs == []
        telling.aftermath.tell(book, elapsed_seconds=0.5)

    assert logs == [
        {
            "event": "order.decided",
            "log_level": "info",
            "order_id": order.id,
            "user_id": 1,
            "lane": "normal",
            "attempt": 2,
            "status": "filled",
            "reason": None,
            "seconds": 0.75,
            "batch_seconds": 0.5,
        }
    ]


def test_every_move_is_an_event_of_its_account() -> None:
    world = World()
    filled, resting = world.order(), world.order(2, "99.00")
    book = book_of(filled, resting)
    book.decide(filled, fill("100.50"))
    book.decide(resting, rest("99.00"))

    world.aftermath.tell(book)

    first, second = world.events.published
    assert first == {
        "user_id": 1,
        "kind": "order",
        "order_id": "1",
        "client_order_id": "c1",
        "symbol": SYMBOL,
        "side": "BUY",
        "status": "filled",
        "reason": None,
        "quantity": LOT,
        "filled_quantity": LOT,
        "average_price": "100.5000",
    }
    assert (second["user_id"], second["order_id"], second["status"]) == (2, "2", "working")
    assert (second["filled_quantity"], second["average_price"]) == (0, None)


def test_contracts_in_which_orders_begin_to_rest_are_noted() -> None:
    world = World()
    filled, resting = world.order(symbol="OTHER"), world.order(2, "99.00")
    book = book_of(filled, resting)
    book.decide(filled, fill("100.50"))
    book.decide(resting, rest("99.00"))

    world.aftermath.tell(book)

    assert world.resting.noted == {SYMBOL}


def test_an_end_is_told_with_its_reason_and_a_slice_with_its_parent() -> None:
    world = World()
    order = world.order(parent_id=9)
    book = book_of(order)
    book.take_off(order, OrderStatus.CANCELED, CancelReason.REQUESTED)

    world.aftermath.tell(book)

    (event,) = world.events.published
    assert (event["reason"], event["parent_id"]) == ("REQUESTED", "9")


def test_sliced_orders_are_told_of_after_their_slices() -> None:
    world = World()
    order = world.order(parent_id=9)
    book = book_of(order)
    book.deny(order, DenialReason.NO_QUOTE)
    parent = ParentOrder(
        1, 9, "big", SYMBOL, "SELL", "canceled", "NO_QUOTE", 130, 65, Decimal("99.5000")
    )
    other_parent = replace(parent, order_id=10, filled_quantity=0, average_price=None)

    world.aftermath.tell(book, [parent, other_parent])

    _, event, other = world.events.published
    assert event == {
        "user_id": 1,
        "kind": "order",
        "order_id": "9",
        "client_order_id": "big",
        "symbol": SYMBOL,
        "side": "SELL",
        "status": "canceled",
        "reason": "NO_QUOTE",
        "quantity": 130,
        "filled_quantity": 65,
        "average_price": "99.5000",
    }
    assert (other["order_id"], other["average_price"]) == ("10", None)


def test_accounts_that_traded_are_valued_once_each() -> None:
    world = World()
    orders = [world.order(user_id) for user_id in (3, 1, 3, 2, 4)]
    world.portfolios.already = {2}
    book = book_of(*orders)
    for order in orders[:4]:
        book.decide(order, fill())
    book.deny(orders[4], DenialReason.NO_QUOTE)

    world.aftermath.tell(book)

    assert world.portfolios.marked == [[1, 2, 3]]
    assert world.dispatcher.portfolios == [[1, 3]]


def test_nobody_is_valued_where_nothing_traded_or_all_are_marked_already() -> None:
    world = World()
    denied, traded = world.order(), world.order(2)
    world.portfolios.already = {2}
    for order in (denied, traded):
        book = book_of(order)
        if order is traded:
            book.decide(order, fill())
        else:
            book.deny(order, DenialReason.NO_QUOTE)
        world.aftermath.tell(book)

    assert world.portfolios.marked == [[2]]
    assert world.dispatcher.portfolios == []


def test_moves_are_counted_by_status_and_timed_from_acceptance() -> None:
    world = World()
    orders = [
        world.order(priority=priority, age_seconds=age)
        for priority, age in ((Priority.HIGH, 2.0), (Priority.LOW, 5.0), (Priority.LOW, 7.0))
    ]
    book = book_of(*orders)
    for order in orders[:2]:
        book.decide(order, fill())
    book.deny(orders[2], DenialReason.NO_QUOTE)

    world.aftermath.tell(book, elapsed_seconds=0.5)

    assert world.meter.added == [
        (Metric.ORDERS_PROCESSED, 2, {"status": "filled"}),
        (Metric.ORDERS_PROCESSED, 1, {"status": "denied"}),
    ]
    assert world.meter.labels == [
        (Metric.ORDER_LATENCY_SECONDS, 2.5, {"priority": "high"}),
        (Metric.ORDER_LATENCY_SECONDS, 5.5, {"priority": "low"}),
        (Metric.ORDER_LATENCY_SECONDS, 7.5, {"priority": "low"}),
    ]


def test_what_cannot_be_told_is_lost_and_counted_all_the_same() -> None:
    world = World(BrokenEvents())
    order = world.order()
    book = book_of(order)
    book.decide(order, fill())

    world.aftermath.tell(book)

    assert world.meter.added == [(Metric.ORDERS_PROCESSED, 1, {"status": "filled"})]
    assert world.dispatcher.portfolios == []


def test_an_error_that_is_none_of_a_server_is_raised() -> None:
    world = World(BrokenEvents(error=ZeroDivisionError()))
    order = world.order()
    book = book_of(order)
    book.deny(order, DenialReason.NO_QUOTE)

    with pytest.raises(ZeroDivisionError):
        world.aftermath.tell(book)
