"""The venue as the services see it: where orders trade."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from angel_x.domain.exchange.answer import Answer
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.order import Order


class Venue(Protocol):
    """A place where orders trade; each method takes a batch and returns answers in its order.

    A request that fails for one order has an answer for that order: a known refusal, UNKNOWN, or
    UNSENT.  After both no request is repeated: the status of the order is queried by its tag, which all
    attempts to place it have; after the end of its lease, or at once where nothing was sent.  A request that is not local takes less than half of a lease, counted from
    ``leased_at``: a moment of the monotonic clock before the lease began, now where absent.  One that
    comes later is not sent, because another process may have taken the order over.
    """

    @property
    def is_local(self) -> bool:
        """Return whether the venue has no state outside of our database.

        Such a venue makes offers, which we may decline, and is called within the transaction.
        """

    @property
    def places_at_once(self) -> bool:
        """Return whether new orders are answered at once."""

    def preview(self, orders: Sequence[Order]) -> Sequence[Terms]:
        """Return the terms of each order if it arrived now; nothing trades."""

    def place(
        self,
        orders: Sequence[Order],
        leased_at: float | None = None,
        absent: Collection[int] = frozenset(),
    ) -> Sequence[Answer]:
        """Bring orders to the market; a tag that is there already is answered, not placed again.

        ``absent`` are the ids of orders that the venue has been found to lack since every request for
        them had ended.
        """

    def amend(
        self, changes: Sequence[tuple[Order, Amendment]], leased_at: float | None = None
    ) -> Sequence[Answer]:
        """Request other quantities or prices of orders."""

    def cancel(self, orders: Sequence[Order], leased_at: float | None = None) -> Sequence[Answer]:
        """Take orders out of the market; one that is out of it already is answered as it ended."""

    def status(self, tags: Sequence[str]) -> Sequence[Answer]:
        """Return the state of orders by their tags."""

    def settle(self, orders: Sequence[Order]) -> Sequence[Answer]:
        """Return the present state of orders in the market, without waiting."""
