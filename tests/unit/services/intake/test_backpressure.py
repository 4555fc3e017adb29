"""When orders are turned away, and when not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Side
from angel_x.errors import QueueFull
from angel_x.services.intake.backpressure import Backpressure


def orders(count: int, priority: Priority = Priority.NORMAL) -> list[OrderRequest]:
    order = OrderRequest("a", "NIFTY_25AUG26_24050CE", Side.BUY, 65, OrderType.MARKET)
    return [replace(order, priority=priority)] * count


class Queue:
    """A queue of a given length, and how often it was counted."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.counted = 0
        self.now = 0.0

    def count(self) -> int:
        self.counted += 1
        return self.waiting

    def limited(self, limit: int) -> Backpressure:
        return Backpressure(self.count, limit=limit, monotonic=lambda: self.now)


def test_what_fits_is_let_in() -> None:
    Queue(4990).limited(5000).admit(orders(10))


def test_what_does_not_fit_is_turned_away_and_says_when_to_come_back() -> None:
    with pytest.raises(QueueFull) as caught:
        Queue(4990).limited(5000).admit(orders(11))

    assert (caught.value.waiting, caught.value.limit) == (4990, 5000)
    assert caught.value.retry_after >= 1


def test_a_request_larger_than_the_queue_is_let_in_when_nothing_waits() -> None:
    Queue(0).limited(100).admit(orders(1000))


def test_what_was_let_in_since_the_last_count_counts() -> None:
    queue = Queue(1)
    pressure = queue.limited(10)
    pressure.admit(orders(9))

    with pytest.raises(QueueFull):
        pressure.admit(orders(1))

    assert queue.counted == 1


def test_the_database_is_counted_again_after_a_while() -> None:
    queue = Queue(10)
    pressure = queue.limited(10)
    with pytest.raises(QueueFull):
        pressure.admit(orders(1))

    queue.waiting, queue.now = 0, 1.0
    pressure.admit(orders(1))

    assert queue.counted == 2


def test_emergencies_are_let_in_however_much_waits() -> None:
    queue = Queue(10**6)

    queue.limited(10).admit(orders(50, Priority.EMERGENCY))

    assert queue.counted == 0


def test_a_count_serves_for_its_whole_age_and_no_longer() -> None:
    queue = Queue(1)
    pressure = Backpressure(
        queue.count, limit=10, monotonic=lambda: queue.now, max_age_seconds=0.25
    )
    counted = []

    for queue.now in (1.0, 1.25, 1.5):
        pressure.admit(orders(1))
        counted.append(queue.counted)

    assert counted == [1, 1, 2]
