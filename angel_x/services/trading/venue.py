"""The venue as the services see it: where orders trade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from angel_x.domain.exchange.answer import Answer
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.order import Order


class Venue(Protocol):
    """A place where orders trade; each method takes a batch and answers in its order.

    A request that fails for one order answers for that order: with a refusal that is known, or with
    UNKNOWN.  No request is repeated on an unknown answer: the order is asked about by its tag, which
    every attempt to place it bears.
    """

    @property
    def is_local(self) -> bool:
        """Say whether everything that the venue knows is in our database.

        Such a venue makes offers, which we may decline, and is asked within the transaction.
        """

    @property
    def places_at_once(self) -> bool:
        """Say whether an offer for a new order is there when it is asked for."""

    def preview(self, orders: Sequence[Order]) -> Sequence[Terms]:
        """Return what each order would stand on if it came in now; nothing trades."""

    def place(self, orders: Sequence[Order]) -> Sequence[Answer]:
        """Bring orders to the market; a tag that is there already is answered, not placed again."""

    def amend(self, changes: Sequence[tuple[Order, Amendment]]) -> Sequence[Answer]:
        """Let orders stand at other quantities or prices."""

    def cancel(self, orders: Sequence[Order]) -> Sequence[Answer]:
        """Take orders out of the market; one that is out of it already is answered as it ended."""

    def status(self, tags: Sequence[str]) -> Sequence[Answer]:
        """Return the state of orders by their tags."""

    def settle(self, orders: Sequence[Order]) -> Sequence[Answer]:
        """Return what has become of orders in the market, without waiting for anything."""
