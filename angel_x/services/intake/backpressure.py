"""Backpressure: no new orders while more wait than MAX_QUEUE_SIZE allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock

from angel_x.domain.orders.order import OrderRequest, Priority
from angel_x.errors import QueueFull


class Backpressure:
    """Counts the waiting orders: in the database at most every ``max_age_seconds``, by itself between.

    A request larger than the whole queue is let in when no order waits, else it could never be
    sent.  Emergency orders take risk off: they are always let in.
    """

    def __init__(
        self,
        count_waiting: Callable[[], int],
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
        self._waiting = 0
        self._counted_at = float("-inf")

    def admit(self, requests: Iterable[OrderRequest]) -> None:
        """Let these orders in.

        Raises:
            QueueFull: They would not fit.
        """
        orders = sum(request.priority is not Priority.EMERGENCY for request in requests)
        if orders:
            self._make_room(orders)

    def _make_room(self, orders: int) -> None:
        with self._lock:
            now = self._monotonic()
            if now - self._counted_at > self._max_age:
                self._waiting = self._count_waiting()
                self._counted_at = now
            if self._waiting and self._waiting + orders > self._limit:
                raise QueueFull(self._waiting, self._limit)
            self._waiting += orders
