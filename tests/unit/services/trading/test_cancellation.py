"""Cancellation on tables in memory: what is taken off, for whom, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.orders.order import CLOSED, OPEN, Order, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.domain.values.money import ZERO
from angel_x.errors import OrderAlreadyClosed, OrderNotFound
from angel_x.services.trading.cancellation import Cancellation
from tests.builders.order_worker import Worker
from tests.builders.terms import fill, rest
from tests.fakes.tables import LOT


@pytest.fixture
def worker() -> Worker:
    worker = Worker()
    worker.tables.account()
    return worker


@pytest.fixture
def cancellation(worker: Worker) -> Cancellation:
    return Cancellation(desk=worker.desk)


def resting(worker: Worker) -> Order:
    order = worker.tables.order(limit="99.00")
    worker.market.offers[order.id] = rest("99.00")
    worker.execution.run_exactly([order.id])
    assert order.status is OrderStatus.WORKING
    worker.journal.clear()
    worker.aftermath.told.clear()
    worker.tables.books.clear()
    return order


def test_a_resting_order_is_taken_off_and_what_it_held_is_free(
    worker: Worker, cancellation: Cancellation
) -> None:
    order = resting(worker)
    assert worker.tables.accounts[1].margin_used > 0

    answer = cancellation.cancel(1, order.id)

    assert (answer.id, answer.status) == (order.id, OrderStatus.CANCELED)
    assert order.status is OrderStatus.CANCELED
    assert worker.tables.events_of(order.id)[-1] == ("canceled", 1, "REQUESTED")
    assert worker.tables.events[-1].actor == "api"
    account = worker.tables.accounts[1]
    assert (account.margin_used, account.open_orders) == (ZERO, 0)
    assert worker.aftermath.told == worker.tables.books


def test_the_steps_are_passed_where_they_say(worker: Worker, cancellation: Cancellation) -> None:
    order = resting(worker)

    cancellation.cancel(1, order.id, "cli:asha")

    assert worker.journal == [
        (Step.CANCELLATION_FOUND, 0, 0, True),
        (Step.CANCELLATION_RECORDED, 0, 0, True),
        (Step.CANCELLATION_COMMITTED, 1, 0, False),
    ]
    assert len(worker.aftermath.told) == 1
    assert worker.tables.events[-1].actor == "cli:asha"


def test_an_order_that_waits_is_canceled_and_never_decided(
    worker: Worker, cancellation: Cancellation
) -> None:
    order = worker.tables.order()

    cancellation.cancel(1, order.id)

    assert worker.execution.run([order.id]) == 0
    assert worker.tables.statuses() == {1: "canceled"}


@pytest.mark.parametrize("status", [s for s in OrderStatus if s in CLOSED])
def test_a_closed_order_stays_what_it_is(
    worker: Worker, cancellation: Cancellation, status: OrderStatus
) -> None:
    order = worker.tables.order()
    order.status = status
    before = replace(order)

    with pytest.raises(OrderAlreadyClosed, match=status):
        cancellation.cancel(1, order.id)

    assert order == before
    assert (worker.tables.events, worker.journal, worker.aftermath.told) == ([], [], [])


def test_an_order_of_another_account_is_not_found(
    worker: Worker, cancellation: Cancellation
) -> None:
    order, stranger = resting(worker), worker.tables.account()

    for order_id in (order.id, order.id + 1):
        with pytest.raises(OrderNotFound, match=str(order_id)):
            cancellation.cancel(stranger, order_id)

    assert order.status is OrderStatus.WORKING
    assert worker.tables.books == []


def test_every_open_slice_is_canceled_and_what_traded_stays(
    worker: Worker, cancellation: Cancellation
) -> None:
    parent = worker.tables.order(limit="100.00", quantity=3 * LOT)
    worker.tables.rows[parent.id].held, worker.tables.rows[parent.id].slices = True, 3
    slices = [worker.tables.order(limit="100.00", parent_id=parent.id) for _ in range(3)]
    worker.market.offers = {slices[0].id: fill("100.00"), slices[1].id: rest("100.00")}
    worker.execution.run_exactly([order.id for order in slices[:2]])

    answer = cancellation.cancel(1, parent.id)

    assert answer.id == parent.id
    assert [str(order.status) for order in slices] == ["filled", "canceled", "canceled"]
    assert (parent.status, parent.filled_quantity) == (OrderStatus.CANCELED, LOT)
    assert worker.tables.accounts[1].margin_used == 0
    assert [parent.status for parent in worker.aftermath.parents[-1]] == ["canceled"]


def test_a_slice_is_canceled_alone(worker: Worker, cancellation: Cancellation) -> None:
    parent = worker.tables.order(limit="100.00", quantity=2 * LOT)
    worker.tables.rows[parent.id].held, worker.tables.rows[parent.id].slices = True, 2
    slices = [worker.tables.order(limit="100.00", parent_id=parent.id) for _ in range(2)]

    cancellation.cancel(1, slices[1].id)

    assert [str(order.status) for order in slices] == ["received", "canceled"]
    assert parent.status in OPEN


def test_a_cancellation_that_is_not_recorded_takes_nothing_off(
    worker: Worker, cancellation: Cancellation
) -> None:
    order = resting(worker)
    held = worker.tables.accounts[1].margin_used
    worker.at_steps[Step.CANCELLATION_RECORDED] = lambda: 1 / 0

    with pytest.raises(ZeroDivisionError):
        cancellation.cancel(1, order.id)

    assert order.status is OrderStatus.WORKING
    assert worker.tables.accounts[1].margin_used == held > Decimal(0)
    assert worker.aftermath.told == []
