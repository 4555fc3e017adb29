"""An order with the orders that it was sliced into."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.domain.book.book import Book
from angel_x.domain.orders.order import Order


@dataclass(frozen=True, slots=True)
class Family:
    """An order with its slices, whatever their statuses, and the book that they move in."""

    #: None where no order has the id.
    order: Order | None
    #: By age; empty for an order that was not sliced.  Only these may move: the whole follows.
    slices: tuple[Order, ...]
    book: Book

    @property
    def parts(self) -> tuple[Order, ...]:
        """The orders that stand in the market for it."""
        return self.slices or (() if self.order is None else (self.order,))

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders that may move."""
        return self.parts
