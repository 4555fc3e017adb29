"""A parent order with its slices."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.domain.book.book import Book
from angel_x.domain.orders.order import Order


@dataclass(frozen=True, slots=True)
class OrderWithSlices:
    """An order with its slices of all statuses, and the book in which they move."""

    #: None where no order has the id.
    order: Order | None
    #: By age; empty for an order that was not sliced.  Only these move; the parent order follows.
    slices: tuple[Order, ...]
    book: Book

    @property
    def parts(self) -> tuple[Order, ...]:
        """The orders in the market: the slices, or the order itself."""
        return self.slices or (() if self.order is None else (self.order,))

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders that may move."""
        return self.parts
