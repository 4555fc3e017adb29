"""The one shape of a transaction: its commit, its events and its steps."""

from __future__ import annotations

import pytest

from angel_x.domain.book.claim import Claim
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import OPEN, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.services.trading.transaction import Steps
from angel_x.services.units import Unit
from tests.builders.order_worker import Worker
from tests.fakes.tables import LOT

STEPS = Steps(
    found=Step.BATCH_CLAIMED,
    decided=Step.BATCH_DECIDED,
    recorded=Step.BATCH_RECORDED,
    committed=Step.BATCH_COMMITTED,
    told=Step.BATCH_TOLD,
)
ALL = [
    (Step.BATCH_CLAIMED, 0, 0, True),
    (Step.BATCH_DECIDED, 0, 0, True),
    (Step.BATCH_RECORDED, 0, 0, True),
    (Step.BATCH_COMMITTED, 1, 0, False),
    (Step.BATCH_TOLD, 1, 1, False),
]


@pytest.fixture
def worker() -> Worker:
    worker = Worker()
    worker.tables.account()
    return worker


def deny(_unit: Unit, claimed: Claim) -> bool:
    for order in claimed.orders:
        claimed.book.deny(order, DenialReason.NO_QUOTE)
    return True


def run(worker: Worker, decide: object = deny, steps: Steps = STEPS) -> Claim:
    return worker.transactions.run(
        lambda unit: unit.orders([1], OPEN),
        decide,  # type: ignore[arg-type]
        actor="somebody",
        steps=steps,
    )


def test_a_decision_is_recorded_committed_and_told_in_this_order(worker: Worker) -> None:
    worker.tables.order()

    claimed = run(worker)

    assert worker.journal == ALL
    assert worker.tables.statuses() == {1: "denied"}
    assert [event.actor for event in worker.tables.events] == ["somebody"]
    assert worker.aftermath.told == [claimed.book]
    assert worker.aftermath.elapsed == [1.0]


def test_a_step_that_a_transaction_does_not_have_is_not_passed(worker: Worker) -> None:
    worker.tables.order()

    run(worker, steps=Steps())

    assert worker.journal == []
    assert worker.tables.statuses() == {1: "denied"}


def test_nothing_is_found_where_nothing_was_claimed(worker: Worker) -> None:
    run(worker, lambda _unit, _claimed: False)

    assert worker.journal == []


def test_nothing_is_kept_of_a_decision_that_there_is_nothing_to_commit(worker: Worker) -> None:
    worker.tables.order()

    run(worker, lambda unit, claimed: deny(unit, claimed) and False)

    assert worker.steps == [Step.BATCH_CLAIMED]
    assert worker.tables.statuses() == {1: "received"}
    assert (worker.tables.events, worker.aftermath.told) == ([], [])


def test_nothing_is_kept_of_a_decision_that_raises(worker: Worker) -> None:
    worker.tables.order()

    def fail(unit: Unit, claimed: Claim) -> bool:
        deny(unit, claimed)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(worker, fail)

    assert worker.tables.statuses() == {1: "received"}
    assert (worker.tables.account_locks, worker.aftermath.told) == ({}, [])


def test_a_decision_without_a_move_is_committed_and_not_told(worker: Worker) -> None:
    worker.tables.order()
    worker.tables.rows[1].held = True

    def release(unit: Unit, _claimed: Claim) -> bool:
        unit.release([1])
        return True

    run(worker, release)

    assert not worker.tables.rows[1].held
    assert (worker.tables.books, worker.aftermath.told) == ([], [])


def test_sliced_orders_that_followed_are_told_with_the_book_and_not_kept_in_it(
    worker: Worker,
) -> None:
    parent = worker.tables.order(quantity=2 * LOT)
    worker.tables.rows[parent.id].slices = 1
    worker.tables.order(parent_id=parent.id)

    def cancel(_unit: Unit, claimed: Claim) -> bool:
        for order in claimed.orders:
            claimed.book.take_off(order, OrderStatus.CANCELED, CancelReason.REQUESTED)
        return True

    worker.transactions.run(
        lambda unit: unit.orders([2], OPEN), cancel, actor="somebody", steps=STEPS
    )

    assert [(w.order_id, w.status) for w in worker.aftermath.parents[0]] == [
        (parent.id, "canceled")
    ]
