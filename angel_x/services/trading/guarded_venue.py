"""A venue with real money behind a guard: orders enter only where the guard lets them.

Cancellations and questions always pass, so everything that is in the market can be taken out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import structlog

from angel_x.domain.exchange.answer import UNSENT, Answer, VenueState
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order
from angel_x.services.trading.venue import Venue

log = structlog.get_logger()

_ABSENT = Answer(VenueState.ABSENT)

#: Returns the reason for which no order of an account may enter, else None.
Refusal = Callable[[int], DenialReason | None]


class GuardedVenue:
    """Asks the guard twice: for the decision of an order, and again before it is sent."""

    is_local = False
    places_at_once = False

    def __init__(self, venue: Venue, refusal: Refusal) -> None:
        self._venue = venue
        self._refusal = refusal

    def preview(self, orders: Sequence[Order]) -> Sequence[Terms]:
        """Return the terms of each order, with the denial of those that the guard refuses."""
        return [
            replace(terms, denial=self._refusal(order.user_id) or terms.denial)
            for order, terms in zip(orders, self._venue.preview(orders), strict=True)
        ]

    def place(
        self,
        orders: Sequence[Order],
        leased_at: float | None = None,
        absent: Collection[int] = frozenset(),
    ) -> Sequence[Answer]:
        """Place the orders that the guard lets in; the others are rejected, unless they are there."""
        refused = self._refused(orders)
        allowed = [order for order in orders if order.id not in refused]
        placed = iter(self._venue.place(allowed, leased_at, absent) if allowed else ())
        withheld = iter(
            self._unplaced([order for order in orders if order.id in refused], refused, absent)
        )
        return [next(withheld if order.id in refused else placed) for order in orders]

    def amend(
        self, changes: Sequence[tuple[Order, Amendment]], leased_at: float | None = None
    ) -> Sequence[Answer]:
        """Request the changes that the guard lets through.

        The others are not sent: the order is queried by its tag and found unchanged.
        """
        refused = self._refused([order for order, _ in changes])
        allowed = [each for each in changes if each[0].id not in refused]
        answers = iter(self._venue.amend(allowed, leased_at) if allowed else ())
        return [UNSENT if order.id in refused else next(answers) for order, _ in changes]

    def cancel(self, orders: Sequence[Order], leased_at: float | None = None) -> Sequence[Answer]:
        return self._venue.cancel(orders, leased_at)

    def status(self, tags: Sequence[str]) -> Sequence[Answer]:
        return self._venue.status(tags)

    def settle(self, orders: Sequence[Order]) -> Sequence[Answer]:
        return self._venue.settle(orders)

    def _refused(self, orders: Sequence[Order]) -> dict[int, DenialReason]:
        asked = ((order.id, self._refusal(order.user_id)) for order in orders)
        return {order_id: reason for order_id, reason in asked if reason is not None}

    def _unplaced(
        self,
        orders: Sequence[Order],
        reasons: Mapping[int, DenialReason],
        absent: Collection[int],
    ) -> Iterator[Answer]:
        # An earlier attempt may have arrived.
        tags = [order.tag for order in orders if order.attempt > 1 and order.id not in absent]
        there = dict(zip(tags, self._venue.status(tags) if tags else (), strict=True))
        for order in orders:
            reason = reasons[order.id]
            log.warning("order.withheld", order_id=order.id, reason=reason.value)
            found = there.get(order.tag, _ABSENT)
            is_absent = found.state is VenueState.ABSENT
            yield Answer(VenueState.REJECTED, reason=reason) if is_absent else found
