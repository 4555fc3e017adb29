"""The order and trade books of the broker, by tag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import structlog

from angel_x.adapters.angel_one.client import AngelOne
from angel_x.adapters.angel_one.records import BookOrder, BookTrade
from angel_x.adapters.angel_one.venue_answers import answer_of
from angel_x.adapters.angel_one.wire import Turn
from angel_x.domain.exchange.answer import Answer, VenueState
from angel_x.domain.exchange.charges import ChargeRates
from angel_x.errors import BrokerError

log = structlog.get_logger()

_ABSENT = Answer(VenueState.ABSENT)
_REJECTED = "rejected"

#: Returns the charges of a contract today, by its trading symbol.
Rates = Callable[[str], ChargeRates]


class Books:
    """Reads the books, and remembers under which ids and variety the broker has a tag."""

    def __init__(self, client: AngelOne, rates: Rates) -> None:
        self._client = client
        self._rates = rates
        self._lock = Lock()
        self._known: dict[str, BookOrder] = {}
        #: Orders of others that were reported.
        self._foreign: set[str] = set()

    def known(self, tag: str) -> BookOrder | None:
        """Return the order of a tag as it was last seen by this process."""
        return self._known.get(tag)

    def remember(self, order: BookOrder) -> None:
        """Keep an order under its tag."""
        with self._lock:
            self._known[order.tag] = order

    def find(self, tag: str, turn: Turn) -> BookOrder | None:
        """Return the order of a tag, from the order book where this process does not know it.

        Raises:
            BrokerError: The book cannot be read.
        """
        return self.known(tag) or self._by_tag(turn).get(tag)

    def answers(self, tags: Sequence[str], turn: Turn) -> list[Answer]:
        """Return the states of tags by both books.

        Raises:
            BrokerError: The order book cannot be read.
        """
        found = self._by_tag(turn)
        orders = [found[tag] for tag in tags if tag in found]
        answers = dict(
            zip((order.tag for order in orders), self.described(orders, turn), strict=True)
        )
        return [answers.get(tag, _ABSENT) for tag in tags]

    def described(self, orders: Sequence[BookOrder], turn: Turn) -> list[Answer]:
        """Return the states of orders; the trade book is read once where one of them has traded.

        Without it the states of those that have traded are unknown.
        """
        has_traded = any(order.filled for order in orders)
        trades = self._trades(turn) if has_traded else []
        return [answer_of(order, trades, self._rates(order.trading_symbol)) for order in orders]

    def _trades(self, turn: Turn) -> list[BookTrade]:
        try:
            return self._client.trade_book(turn)
        except BrokerError as error:
            log.warning("trade_book.unread", error=str(error))
            return []

    def _by_tag(self, turn: Turn) -> dict[str, BookOrder]:
        found: dict[str, BookOrder] = {}
        for order in self._client.order_book(turn):
            if order.is_foreign:
                self._report(order)
                continue
            other = found.get(order.tag)
            if other is not None and _REJECTED not in {order.status, other.status}:
                log.error("order.doubled", tag=order.tag, ids=[other.order_id, order.order_id])
            if other is None or other.status == _REJECTED:
                found[order.tag] = order
        for order in found.values():
            self.remember(order)
        return found

    def _report(self, order: BookOrder) -> None:
        """Report an order of somebody else once; it is never adopted."""
        with self._lock:
            is_new = order.order_id not in self._foreign
            self._foreign.add(order.order_id)
        if is_new:
            log.warning(
                "order.foreign",
                broker_order_id=order.order_id,
                contract=order.trading_symbol,
                status=order.status,
            )
