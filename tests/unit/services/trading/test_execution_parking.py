"""Parking: closing orders that cannot be decided, with what operators need to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from angel_x.domain.orders.order import ASKED, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.domain.values.money import ZERO
from tests.builders.order_worker import Worker

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def worker() -> Worker:
    worker = Worker()
    worker.tables.account()
    return worker


def abandoned(worker: Worker, lease: timedelta = -MOMENT) -> int:
    """Store an order that was sent to the venue; ``lease`` is left of its lease."""
    order = worker.tables.order(limit="99.00", attempt=3, reserved=Decimal(6435))
    order.status = OrderStatus.SUBMITTING
    worker.tables.rows[order.id].lease_until = worker.server_clock() + lease
    account = worker.tables.accounts[1]
    account.margin_used += order.reserved
    account.open_orders += 1
    return order.id


def test_what_waits_is_denied_with_the_detail(worker: Worker) -> None:
    worker.tables.order()
    worker.tables.order()

    assert worker.execution.park([1], "not decided after 3 rings") == 1

    assert worker.tables.statuses() == {1: "denied", 2: "received"}
    (event,) = worker.tables.events
    assert (event.actor, event.reason) == ("execution", "PROCESSING_FAILED")
    assert event.detail == "not decided after 3 rings"
    assert worker.tables.rows[1].reason == "PROCESSING_FAILED"


def test_what_was_left_on_its_way_is_rejected_and_frees_what_it_held(worker: Worker) -> None:
    order_id = abandoned(worker, -0 * MOMENT)

    assert worker.execution.park([order_id], "no better") == 1

    assert worker.tables.events_of(order_id) == [("rejected", 3, "PROCESSING_FAILED")]
    assert worker.tables.events[0].detail == "no better"
    account = worker.tables.accounts[1]
    assert (account.margin_used, account.open_orders) == (ZERO, 0)


def test_what_somebody_still_waits_for_the_answer_of_is_left_alone(worker: Worker) -> None:
    order_id = abandoned(worker, MOMENT)

    assert worker.execution.park([order_id], "too early") == 0

    assert worker.tables.statuses() == {order_id: "submitting"}
    assert (worker.tables.events, worker.steps, worker.aftermath.told) == ([], [], [])


def test_both_kinds_are_parked_at_once_and_each_is_told_of(worker: Worker) -> None:
    left, waiting = abandoned(worker), [worker.tables.order().id for _ in range(2)]

    assert worker.execution.park([left, *waiting], "hopeless") == 3

    assert worker.tables.statuses() == {1: "rejected", 2: "denied", 3: "denied"}
    assert worker.aftermath.told == worker.tables.books
    assert worker.journal == [
        (Step.PARKING_RECORDED, 0, 0, True),
        (Step.PARKING_COMMITTED, 1, 0, False),
        (Step.PARKING_RECORDED, 1, 1, True),
        (Step.PARKING_COMMITTED, 2, 1, False),
    ]


@pytest.mark.parametrize(
    "status",
    [s for s in OrderStatus if s not in {OrderStatus.RECEIVED, *ASKED}],
)
def test_what_was_decided_is_not_parked(worker: Worker, status: OrderStatus) -> None:
    order = worker.tables.order()
    order.status = status
    before = replace(order)

    assert worker.execution.park([1], "too late") == 0

    assert order == before
    assert (worker.tables.events, worker.aftermath.told) == ([], [])


def test_of_a_long_detail_the_end_is_kept(worker: Worker) -> None:
    worker.tables.order()

    worker.execution.park([1], "a" + "b" * 3_999 + "c")

    assert worker.tables.events[0].detail == "b" * 3_999 + "c"
