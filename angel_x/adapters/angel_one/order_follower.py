"""The orders of ours that change at the broker, handed on as they are heard of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from angel_x.adapters.angel_one.order_updates import Event, OrderUpdates
from angel_x.adapters.angel_one.order_watch import OrderProgress
from angel_x.adapters.angel_one.records import BookOrder
from angel_x.domain.orders.order import order_of


class Listener(Protocol):
    """Looks at orders by itself, sooner where it hears of them."""

    def hear(self, order_id: int) -> None:
        """Note that an order may have changed."""

    def connect(self) -> None:
        """Note that changes are heard of from now on."""

    def disconnect(self) -> None:
        """Note that changes are not heard of."""


class OrderFollower:
    """Reads updates; one that comes twice or late is left out, and so are orders of others.

    An update is never applied itself: it may be wrong, late or alone, so the books are read for it.
    """

    def __init__(self, updates: OrderUpdates, listener: Listener) -> None:
        self._updates = updates
        self._listener = listener
        self._progress = OrderProgress()

    def run(self, is_ended: Callable[[], bool]) -> None:
        """Follow until it is ended; a lost connection is made anew."""
        for event in self._updates.events():
            if is_ended():
                return
            self._take(event)

    def _take(self, event: BookOrder | Event) -> None:
        if isinstance(event, BookOrder):
            if not event.is_foreign and self._progress.advance(event):
                self._listener.hear(order_of(event.tag))
        elif event is Event.CONNECTED:
            # All orders are looked at then, so what was known of them is not needed any more.
            self._progress = OrderProgress()
            self._listener.connect()
        elif event is Event.LOST:
            self._listener.disconnect()
