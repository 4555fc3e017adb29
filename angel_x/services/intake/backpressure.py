"""Backpressure: no new orders while more wait than MAX_QUEUE_SIZE allows.

A full queue is no reason to turn away an account that has little of it: a tenth of its size on top is
for accounts with less than an equal share of that tenth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock

from angel_x.errors import QueueFull

#: The part of the limit that is added for accounts with few orders.
_TOP = 10


class Backpressure:
    """Counts the waiting orders: in the database at most every ``max_age_seconds``, by itself between.

    A request larger than the whole queue is let in when no order waits, else it could never be
    sent.
    """

    def __init__(
        self,
        count_waiting: Callable[[], Mapping[int, int]],
        *,
        limit: int,
        monotonic: Callable[[], float],
        max_age_seconds: float = 0.1,
    ) -> None:
        self._count_waiting = count_waiting
        self._limit = limit
        self._monotonic = monotonic
        self._max_age = max_age_seconds
        self._lock = Lock()
        self._waiting: Counter[int] = Counter()
        self._counted_at = float("-inf")

    def admit(self, user_id: int, orders: int) -> None:
        """Let so many orders of an account in.

        Raises:
            QueueFull: They would not fit.
        """
        if not orders:
            return
        with self._lock:
            now = self._monotonic()
            if now - self._counted_at > self._max_age:
                self._waiting = Counter(self._count_waiting())
                self._counted_at = now
            total = self._waiting.total()
            is_full = bool(total) and total + orders > self._limit
            if is_full and self._waiting[user_id] + orders > self._share(user_id):
                raise QueueFull(total, self._limit)
            self._waiting[user_id] += orders

    def _share(self, user_id: int) -> int:
        """Return the orders that an account may have beyond a full queue, equal for all in it."""
        return self._limit // _TOP // len(self._waiting.keys() | {user_id})
