"""Angel One as a venue.

The broker takes every request that arrives, a second one with the same tag too, and says "success" for
orders that are then rejected.  So a request is sent once; an answer is given after the order was looked
at; and whatever is not certain is unknown, to be queried by tag.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol, TypeVar

import structlog

from angel_x.adapters.angel_one.books import Books
from angel_x.adapters.angel_one.client import AngelOne
from angel_x.adapters.angel_one.records import BookOrder, Scrip
from angel_x.adapters.angel_one.venue_answers import is_closed, is_on_its_way, reason_of
from angel_x.adapters.angel_one.venue_requests import modification, placement
from angel_x.adapters.angel_one.wire import Turn
from angel_x.domain.exchange.answer import UNKNOWN, UNSENT, Answer, VenueState
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.order import Order, Priority
from angel_x.errors import BrokerError, BrokerRefused, BrokerUnavailable, BudgetSpent

log = structlog.get_logger()

_WORKERS = 8
_LOOKS, _PAUSE_SECONDS = 3, 0.2
#: The budget of an hour may be spent for long; a wait that is longer than this may end sooner than it was said.
_LONGEST_RETRY_SECONDS = 30.0
_ABSENT = Answer(VenueState.ABSENT)
_Item = TypeVar("_Item")
#: An order that was looked at, or an answer without one.
_Seen = BookOrder | Answer

#: Returns the terms of orders in the market of now.
Preview = Callable[[Sequence[Order]], Sequence[Terms]]


class Scrips(Protocol):
    def of(self, symbol: str) -> Scrip:
        """Return the broker's name of a contract."""


class _Unanswered(BrokerError):
    """A request that changes something was sent, and its end was not seen."""


@contextmanager
def _changing() -> Iterator[None]:
    """Send a request that changes something."""
    try:
        yield
    except BrokerUnavailable as error:
        raise _Unanswered(error.detail, code=error.code) from error


class AngelOneVenue:
    """Sends requests in parallel, each for itself; what goes wrong with one leaves the others alone."""

    is_local = False
    places_at_once = False

    def __init__(
        self,
        client: AngelOne,
        books: Books,
        *,
        scrips: Scrips,
        preview: Preview,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
        patience_seconds: float,
    ) -> None:
        self._client = client
        self._books = books
        self._scrips = scrips
        self._preview = preview
        self._sleep = sleep
        self._monotonic = monotonic
        #: The time in which a request has to begin, counted from the lease of its order.
        self._patience_seconds = patience_seconds
        self._last: dict[str, Answer] = {}

    def preview(self, orders: Sequence[Order]) -> Sequence[Terms]:
        return self._preview(orders)

    def place(
        self,
        orders: Sequence[Order],
        leased_at: float | None = None,
        absent: Collection[int] = frozenset(),
    ) -> Sequence[Answer]:
        """Place each order once; a tag that the broker has already is answered as it stands."""
        until = self._until(leased_at)
        there = self._there([order for order in orders if order.id not in absent])
        return self._each(
            orders, lambda order: self._place(order, there.get(order.tag), _turn(order, until))
        )

    def amend(
        self, changes: Sequence[tuple[Order, Amendment]], leased_at: float | None = None
    ) -> Sequence[Answer]:
        until = self._until(leased_at)
        return self._each(changes, lambda pair: self._amend(*pair, _turn(pair[0], until)))

    def cancel(self, orders: Sequence[Order], leased_at: float | None = None) -> Sequence[Answer]:
        until = self._until(leased_at)
        return self._each(orders, lambda order: self._cancel(order, _turn(order, until)))

    def status(self, tags: Sequence[str]) -> Sequence[Answer]:
        """Return the states of tags by the order book and the trade book."""
        try:
            answers = self._books.answers(tags, self._first()) if tags else []
        except BrokerError as error:
            log.warning("order_book.unread", error=str(error))
            return [UNKNOWN] * len(tags)
        return [self._noted(tag, answer) for tag, answer in zip(tags, answers, strict=True)]

    def settle(self, orders: Sequence[Order]) -> Sequence[Answer]:
        """Return the states that this process has last seen, without a request."""
        return [self._last.get(order.tag, UNKNOWN) for order in orders]

    def _there(self, orders: Sequence[Order]) -> dict[str, Answer]:
        """Return the states of the orders that the broker may have, after one look for all of them.

        A later attempt follows a request whose end is not known to this process.
        """
        tags = [o.tag for o in orders if o.attempt > 1 or self._books.known(o.tag) is not None]
        return dict(zip(tags, self.status(tags), strict=True))

    def _place(self, order: Order, there: Answer | None, turn: Turn) -> _Seen:
        if there is not None and there.state is not VenueState.ABSENT:
            return there if there.is_known else UNSENT
        try:
            request = placement(order, self._scrips.of(order.symbol))
            with _changing():
                placed = self._client.place(request, turn)
        except BrokerRefused as refusal:
            log.info("order.refused", order_id=order.id, detail=refusal.detail)
            return Answer(VenueState.REJECTED, reason=reason_of(refusal.detail))
        return self._look(placed.unique_id)

    def _amend(self, order: Order, wanted: Amendment, turn: Turn) -> _Seen:
        known = self._books.find(order.tag, turn)
        if known is None:
            return _ABSENT
        scrip = self._scrips.of(order.symbol)
        try:
            with _changing():
                self._client.modify(modification(order, wanted, known, scrip), turn)
        except BrokerRefused as refusal:
            log.info("amendment.refused", order_id=order.id, detail=refusal.detail)
        return self._look(known.unique_id)

    def _cancel(self, order: Order, turn: Turn) -> _Seen:
        known = self._books.find(order.tag, turn)
        if known is None:
            return _ABSENT
        try:
            with _changing():
                self._client.cancel(known.variety, known.order_id, turn)
        except BrokerRefused as refusal:
            log.info("cancellation.refused", order_id=order.id, detail=refusal.detail)
        except _Unanswered as error:
            log.warning("request.unanswered", error=str(error), code=error.code)
            found = self._look(known.unique_id)
            # One that still stands may yet be canceled by the request.
            return found if is_closed(found) else UNKNOWN
        return self._look(known.unique_id)

    def _look(self, unique_id: str) -> BookOrder:
        """Return an order that a request was sent for, after some looks if it is on its way to the exchange.

        Raises:
            _Unanswered: It cannot be seen.
        """
        turn = Turn(until=self._until())
        try:
            found = self._client.details(unique_id, turn)
            for _ in range(_LOOKS):
                if not is_on_its_way(found):
                    break
                self._sleep(_PAUSE_SECONDS)
                found = self._client.details(unique_id, turn)
        except BrokerError as error:
            raise _Unanswered(error.detail, code=error.code) from error
        self._books.remember(found)
        return found

    def _first(self) -> Turn:
        """Return the turn of a look at the books: orders wait for it, as no reconciliation does."""
        return Turn(is_urgent=True, until=self._until())

    def _each(self, items: Sequence[_Item], request: Callable[[_Item], _Seen]) -> list[Answer]:
        """Make the requests in parallel, then describe the orders that were seen."""
        seen = self._in_parallel(items, request)
        orders = [each for each in seen if isinstance(each, BookOrder)]
        described = iter(self._books.described(orders, self._first()))
        return [
            self._noted(each.tag, next(described)) if isinstance(each, BookOrder) else each
            for each in seen
        ]

    def _in_parallel(
        self, items: Sequence[_Item], request: Callable[[_Item], _Seen]
    ) -> list[_Seen]:
        def attempt(item: _Item) -> _Seen:
            # Sent or not, its state is queried by tag before anything is sent again.
            try:
                return request(item)
            except _Unanswered as error:
                log.warning("request.unanswered", error=str(error), code=error.code)
                return UNKNOWN
            except BrokerError as error:
                log.info("request.unsent", error=str(error), code=error.code)
                return _unsent(error)

        if len(items) <= 1:
            return [attempt(item) for item in items]
        with ThreadPoolExecutor(min(_WORKERS, len(items))) as workers:
            return list(workers.map(attempt, items))

    def _until(self, since: float | None = None) -> float:
        return (self._monotonic() if since is None else since) + self._patience_seconds

    def _noted(self, tag: str, answer: Answer) -> Answer:
        if answer.is_known:
            self._last[tag] = answer
        return answer


def _unsent(error: BrokerError) -> Answer:
    """Return the answer to a request that was not sent, or had no effect."""
    wait = error.seconds if isinstance(error, BudgetSpent) else 0.0
    pause = min(max(wait, UNSENT.retry_seconds), _LONGEST_RETRY_SECONDS)
    return replace(UNSENT, retry_seconds=pause)


def _turn(order: Order, until: float) -> Turn:
    return Turn(order.user_id, order.priority is Priority.EMERGENCY, until)
