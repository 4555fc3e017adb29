"""The transaction over accounts and orders, as the services see it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from angel_x.domain.book import Book
from angel_x.domain.order import Order, OrderStatus


class Unit(Protocol):
    """One open transaction.  Leaving it without :meth:`commit` keeps nothing."""

    def claim(self, order_ids: Sequence[int], limit: int) -> tuple[list[Order], Book]:
        """Lock the accounts that own those orders and return the oldest that wait in their lanes."""

    def orders(
        self, order_ids: Sequence[int], statuses: Collection[OrderStatus]
    ) -> tuple[list[Order], Book]:
        """Lock the accounts that own those orders; return those in one of the statuses, by age."""

    def unknown(self, order_ids: Sequence[int]) -> set[int]:
        """Return those ids that no order has."""

    def record(self, book: Book, actor: str) -> None:
        """Write everything that the orders of the book did."""

    def commit(self) -> None:
        """Make it durable."""


class Units(Protocol):
    """Makes transactions."""

    def begin(self) -> AbstractContextManager[Unit]:
        """Open a transaction that is rolled back unless it is committed."""
