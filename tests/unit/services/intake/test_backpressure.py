"""When orders are turned away, and when not."""

from __future__ import annotations

import pytest

from angel_x.errors import QueueFull
from angel_x.services.intake.backpressure import Backpressure

OWNER, OTHER = 0, 1


class Queue:
    """A queue with so many orders of one account, and how often it was counted."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.counted = 0
        self.now = 0.0

    def count(self) -> dict[int, int]:
        self.counted += 1
        return {OWNER: self.waiting} if self.waiting else {}

    def limited(self, limit: int) -> Backpressure:
        return Backpressure(self.count, limit=limit, monotonic=lambda: self.now)


def test_what_fits_is_let_in() -> None:
    Queue(4990).limited(5000).admit(OWNER, 10)


def test_what_does_not_fit_is_turned_away_and_says_when_to_come_back() -> None:
    with pytest.raises(QueueFull) as caught:
        Queue(4990).limited(5000).admit(OWNER, 11)

    assert (caught.value.waiting, caught.value.limit) == (4990, 5000)
    assert caught.value.retry_after >= 1


def test_a_request_larger_than_the_queue_is_let_in_when_nothing_waits() -> None:
    Queue(0).limited(100).admit(OWNER, 1000)


def test_what_was_let_in_since_the_last_count_counts() -> None:
    queue = Queue(1)
    pressure = queue.limited(10)
    pressure.admit(OWNER, 9)

    with pytest.raises(QueueFull):
        pressure.admit(OWNER, 1)

    assert queue.counted == 1


def test_the_database_is_counted_again_after_a_while() -> None:
    queue = Queue(10)
    pressure = queue.limited(10)
    with pytest.raises(QueueFull):
        pressure.admit(OWNER, 1)

    queue.waiting, queue.now = 0, 1.0
    pressure.admit(OWNER, 1)

    assert queue.counted == 2


def test_no_orders_need_no_count() -> None:
    queue = Queue(10**6)

    queue.limited(10).admit(OWNER, 0)

    assert queue.counted == 0


def test_an_account_with_less_than_an_equal_share_is_let_into_a_full_queue() -> None:
    pressure = Queue(100).limited(100)
    pressure.admit(OTHER, 3)
    pressure.admit(OTHER, 2)

    for user_id in (OWNER, OTHER):
        with pytest.raises(QueueFull):
            pressure.admit(user_id, 1)


def test_at_most_a_tenth_more_than_the_limit_waits() -> None:
    pressure, let_in = Queue(100).limited(100), 0

    for user_id in range(1, 500):
        try:
            pressure.admit(user_id, 1)
        except QueueFull:
            continue
        let_in += 1

    assert let_in == 9


def test_a_count_serves_for_its_whole_age_and_no_longer() -> None:
    queue = Queue(1)
    pressure = Backpressure(
        queue.count, limit=10, monotonic=lambda: queue.now, max_age_seconds=0.25
    )
    counted = []

    for queue.now in (1.0, 1.25, 1.5):
        pressure.admit(OWNER, 1)
        counted.append(queue.counted)

    assert counted == [1, 1, 2]
