"""Applying the answers of a venue to the book."""

from __future__ import annotations

from angel_x.domain.book.book import Book
from angel_x.domain.exchange.answer import Answer, VenueState
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import RESTING, Order, OrderStatus

_STANDS = {
    VenueState.STANDING: OrderStatus.WORKING,
    VenueState.TRIGGER_PENDING: OrderStatus.TRIGGER_PENDING,
}


def take(book: Book, order: Order, answer: Answer, wanted: Amendment | None = None) -> None:
    """Apply an answer about an order that is at a venue or on its way there.

    An unknown answer and one that repeats the recorded state change nothing.  ``wanted`` is the
    requested amendment.
    """
    if not answer.is_known or order.status.is_closed:
        return
    if answer.offer is None:
        _report(book, order, answer, wanted)
    else:
        take_offer(book, order, answer.offer)


def take_offer(book: Book, order: Order, offer: Terms) -> None:
    """Take an offer for an order that rests or is on its way; the book may decline it."""
    if order.status in RESTING:
        book.match(order, offer)
    else:
        book.settle(order, offer)


def take_absence(book: Book, order: Order) -> None:
    """Close an order that its venue does not have, once no request for it can still arrive."""
    absent = Answer(VenueState.ABSENT)
    book.take_off(order, *_end(absent, order.status, order.reason))


def _report(book: Book, order: Order, answer: Answer, wanted: Amendment | None) -> None:
    asked, reason = order.status, order.reason
    if answer.state is VenueState.ABSENT:
        # The request to place it may still arrive.
        return
    for execution in answer.executions:
        assert answer.charges is not None, "a venue that trades says what it charges"
        book.execute(order, execution, answer.charges)
    if order.status is OrderStatus.FILLED:
        return
    if answer.state in _STANDS:
        _stand(book, order, answer, wanted if asked is OrderStatus.PENDING_AMEND else None)
    else:
        book.take_off(order, *_end(answer, asked, reason))


def _stand(book: Book, order: Order, answer: Answer, wanted: Amendment | None) -> None:
    status = OrderStatus.PARTIALLY_FILLED if order.filled_quantity else _STANDS[answer.state]
    standing = answer.standing or wanted
    if standing is None or standing == Amendment.of(order):
        book.stand(order, status)
    else:
        assert answer.charges is not None, "a venue that amends says what it charges"
        book.stand_changed(order, status, standing, answer.charges)


def _end(
    answer: Answer, asked: OrderStatus, reason: str | None
) -> tuple[OrderStatus, CancelReason | DenialReason]:
    """Return how an order has ended that is out of the market."""
    if answer.state is VenueState.REJECTED:
        return OrderStatus.REJECTED, answer.reason or DenialReason.VENUE_REFUSED
    if answer.state is VenueState.EXPIRED:
        return OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED
    if asked is not OrderStatus.PENDING_CANCEL or reason is None:
        return OrderStatus.CANCELED, CancelReason.CANCELED_BY_VENUE
    why = CancelReason(reason)
    is_over = why is CancelReason.VALIDITY_ENDED
    return OrderStatus.EXPIRED if is_over else OrderStatus.CANCELED, why
