"""Expiry on tables in memory: what ends with its session, and what belongs to somebody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from angel_x.domain.book.book import Book
from angel_x.domain.orders.order import OPEN, Order, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.domain.values.money import ZERO
from angel_x.services.trading.expiry import OrderExpiry
from tests.builders.order_worker import Away, Worker
from tests.builders.terms import rest

MOMENT = timedelta(microseconds=1)


class Clerk:
    """Finds what has ended in tables in memory, and expires it."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.asked: list[tuple[datetime, int]] = []
        self.expiry = OrderExpiry(
            find_ended=self.ended,
            desk=worker.desk,
            market_clock=worker.clock,
            transient=(Away,),
        )

    def ended(self, now: datetime, limit: int) -> list[int]:
        self.asked.append((now, limit))
        orders = [row.order for row in self.worker.tables.rows.values()]
        ended = [o.id for o in orders if o.status in OPEN and o.valid_until <= now]
        return ended[:limit]


@pytest.fixture
def worker() -> Worker:
    worker = Worker()
    worker.tables.account()
    return worker


@pytest.fixture
def clerk(worker: Worker) -> Clerk:
    return Clerk(worker)


def resting(worker: Worker) -> Order:
    order = worker.tables.order(limit="99.00")
    worker.market.offers[order.id] = rest("99.00")
    worker.execution.run_exactly([order.id])
    del worker.journal[:], worker.aftermath.told[:], worker.tables.books[:]
    return order


def on_its_way(worker: Worker, lease: timedelta) -> Order:
    order = worker.tables.order(limit="99.00", attempt=1)
    order.status = OrderStatus.SUBMITTING
    worker.tables.rows[order.id].lease_until = worker.server_clock() + lease
    worker.tables.accounts[1].open_orders += 1
    return order


def test_what_rests_and_what_waits_ends_and_frees_what_it_held(
    worker: Worker, clerk: Clerk
) -> None:
    order, waiting = resting(worker), worker.tables.order()
    worker.clock.advance(24 * 3600)

    assert clerk.expiry.run() == 2
    assert clerk.expiry.run() == 0

    assert {order.status, waiting.status} == {OrderStatus.EXPIRED}
    assert worker.tables.events_of(order.id)[-1] == ("expired", 1, "VALIDITY_ENDED")
    assert worker.tables.events[-1].actor == "expiry"
    account = worker.tables.accounts[1]
    assert (account.margin_used, account.open_orders) == (ZERO, 0)
    assert worker.aftermath.told == worker.tables.books
    assert clerk.asked == [(worker.clock(), 500)] * 3


def test_the_steps_are_passed_where_they_say(worker: Worker, clerk: Clerk) -> None:
    worker.tables.order(valid_until=worker.clock())

    clerk.expiry.run()

    assert worker.journal == [
        (Step.EXPIRY_FOUND, 0, 0, True),
        (Step.EXPIRY_RECORDED, 0, 0, True),
        (Step.EXPIRY_COMMITTED, 1, 0, False),
    ]
    assert len(worker.aftermath.told) == 1


def test_what_was_left_on_its_way_ends_and_what_is_still_awaited_does_not(
    worker: Worker, clerk: Clerk
) -> None:
    left, awaited = on_its_way(worker, 0 * MOMENT), on_its_way(worker, MOMENT)
    waiting = worker.tables.order()
    worker.clock.advance(24 * 3600)

    assert clerk.expiry.run() == 2

    assert (left.status, awaited.status) == (OrderStatus.EXPIRED, OrderStatus.SUBMITTING)
    assert waiting.status is OrderStatus.EXPIRED
    assert len(worker.tables.books) == 2


def test_more_than_a_batch_ends_batch_by_batch(
    worker: Worker, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angel_x.services.trading.expiry._AT_A_TIME", 2)
    for _ in range(5):
        worker.tables.order(valid_until=worker.clock())

    assert clerk.expiry.run() == 5

    assert [len(book.moves) for book in worker.tables.books] == [2, 2, 1]


def test_no_abandoned_orders_are_looked_for_where_all_have_ended(
    worker: Worker, clerk: Clerk
) -> None:
    worker.tables.order(valid_until=worker.clock())

    clerk.expiry.run()

    assert worker.units.begun == 1


def test_an_error_of_a_server_ends_nothing_and_is_raised(worker: Worker, clerk: Clerk) -> None:
    worker.tables.order(valid_until=worker.clock())
    worker.at_steps[Step.EXPIRY_RECORDED] = _away

    with pytest.raises(Away):
        clerk.expiry.run()

    assert worker.tables.statuses() == {1: "received"}
    assert len(clerk.asked) == 1


def test_an_order_that_cannot_be_ended_is_left_and_keeps_no_other(
    worker: Worker, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [worker.tables.order(valid_until=worker.clock()) for _ in range(3)]
    honest = Book.take_off

    def take_off(book: Book, order: Order, *how: Any) -> None:
        if order.id == orders[1].id:
            raise ZeroDivisionError
        honest(book, order, *how)

    monkeypatch.setattr(Book, "take_off", take_off)

    assert clerk.expiry.run() == 2

    assert [str(order.status) for order in orders] == ["expired", "received", "expired"]


def test_where_nothing_can_be_ended_it_stops(worker: Worker, clerk: Clerk) -> None:
    worker.tables.order(valid_until=worker.clock())
    worker.at_steps[Step.EXPIRY_FOUND] = lambda: 1 / 0

    assert clerk.expiry.run() == 0

    assert len(clerk.asked) == 1
    assert worker.tables.statuses() == {1: "received"}


def _away() -> None:
    raise Away
