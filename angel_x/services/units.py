"""The transaction over accounts and orders, as the services see it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from angel_x.domain.account import Account
from angel_x.domain.book import Book
from angel_x.domain.order import Order, OrderStatus, Priority


class Unit(Protocol):
    """One open transaction.  Leaving it without :meth:`commit` keeps nothing."""

    def lock_waiting(self, order_ids: Sequence[int]) -> tuple[list[Account], list[Priority]]:
        """Lock the accounts that a doorbell speaks for, and say in which lanes they have work."""

    def lock_owners(self, order_ids: Sequence[int]) -> list[Account]:
        """Lock the accounts that own those orders."""

    def unknown(self, order_ids: Sequence[int]) -> set[int]:
        """Return those ids that no order has."""

    def claim(
        self, accounts: Sequence[Account], lanes: Sequence[Priority], limit: int
    ) -> tuple[list[Order], Book]:
        """Return the oldest received orders of the locked accounts, lane by lane, and their book."""

    def orders(
        self,
        accounts: Sequence[Account],
        order_ids: Sequence[int],
        statuses: Collection[OrderStatus],
    ) -> tuple[list[Order], Book]:
        """Return those orders that have one of the statuses, oldest first, and their book."""

    def record(self, book: Book, actor: str) -> None:
        """Write everything that the orders of the book did."""

    def commit(self) -> None:
        """Make it durable."""


class Units(Protocol):
    """Makes transactions."""

    def begin(self) -> AbstractContextManager[Unit]:
        """Open a transaction that is rolled back unless it is committed."""
