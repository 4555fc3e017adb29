"""A venue whose orders have paper twins: the dry-run venue beside the live one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from angel_x.domain.exchange.answer import Answer
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.order import Order
from angel_x.services.trading.shadow import Shadow
from angel_x.services.trading.venue import Venue


class ShadowedVenue:
    """Hands each request to the shadow and then to the venue, whose answers are unchanged."""

    def __init__(self, venue: Venue, shadow: Shadow) -> None:
        self._venue = venue
        self._shadow = shadow

    @property
    def is_local(self) -> bool:
        return self._venue.is_local

    @property
    def places_at_once(self) -> bool:
        return self._venue.places_at_once

    def preview(self, orders: Sequence[Order]) -> Sequence[Terms]:
        return self._venue.preview(orders)

    def place(
        self,
        orders: Sequence[Order],
        leased_at: float | None = None,
        absent: Collection[int] = frozenset(),
    ) -> Sequence[Answer]:
        """Place orders; their twins meet the quotes of this moment."""
        self._shadow.arrive(orders)
        return self._venue.place(orders, leased_at, absent)

    def amend(
        self, changes: Sequence[tuple[Order, Amendment]], leased_at: float | None = None
    ) -> Sequence[Answer]:
        self._shadow.amend(changes)
        return self._venue.amend(changes, leased_at)

    def cancel(self, orders: Sequence[Order], leased_at: float | None = None) -> Sequence[Answer]:
        self._shadow.cancel(orders)
        return self._venue.cancel(orders, leased_at)

    def status(self, tags: Sequence[str]) -> Sequence[Answer]:
        return self._venue.status(tags)

    def settle(self, orders: Sequence[Order]) -> Sequence[Answer]:
        return self._venue.settle(orders)
