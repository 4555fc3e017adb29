"""Changes of the broker's orders, each once and in a direction: by updates, and by the order book."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import structlog

from angel_x.adapters.angel_one.order_updates import Event
from angel_x.adapters.angel_one.records import BookOrder
from angel_x.adapters.angel_one.venue_answers import is_closed
from angel_x.errors import BrokerError

log = structlog.get_logger()

#: Seconds between two looks at the order book while updates come, and while they do not.
_USUAL_SECONDS, _BLIND_SECONDS = 60.0, 5.0

#: Returns the order book.
Poll = Callable[[], list[BookOrder]]


class OrderProgress:
    """How far each order has come; an order goes forward only."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[bool, int, str]] = {}

    def advance(self, order: BookOrder) -> bool:
        """Return whether a report is news: the order is closed now, has traded, or has changed.

        What has traded less or is open again is an older report that comes late.
        """
        reached = is_closed(order), order.filled, self._content(order)
        before = self._seen.get(order.order_id)
        if before is not None and (reached[:2] < before[:2] or reached == before or before[0]):
            return False
        self._seen[order.order_id] = reached
        return True

    def _content(self, order: BookOrder) -> str:
        return f"{order.status} {order.quantity} {order.price} {order.trigger_price}"


class Watch:
    """Merges updates with the order book, which is read at each connection and from time to time."""

    def __init__(self, poll: Poll, *, monotonic: Callable[[], float]) -> None:
        self._poll = poll
        self._monotonic = monotonic
        self._progress = OrderProgress()
        self._is_connected = False
        self._polled_at = float("-inf")

    def changes(self, events: Iterable[BookOrder | Event]) -> Iterator[BookOrder | None]:
        """Yield every change once; None after each event, so that the reader may stop."""
        for event in events:
            if isinstance(event, BookOrder):
                yield from self._news([event])
            else:
                yield from self._look(event)
            yield None

    def _look(self, event: Event) -> Iterator[BookOrder]:
        self._is_connected = event is not Event.LOST
        pause = _USUAL_SECONDS if self._is_connected else _BLIND_SECONDS
        now = self._monotonic()
        if event is not Event.CONNECTED and now - self._polled_at < pause:
            return
        self._polled_at = now
        try:
            book = self._poll()
        except BrokerError as error:
            log.warning("order_book.unread", error=str(error))
            return
        yield from self._news(book)

    def _news(self, orders: Iterable[BookOrder]) -> Iterator[BookOrder]:
        return (order for order in orders if self._progress.advance(order))
