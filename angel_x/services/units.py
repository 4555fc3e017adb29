"""The transaction over accounts and orders, as the services see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Protocol

from angel_x.domain.book.book import Book
from angel_x.domain.book.claim import Claim
from angel_x.domain.book.moves import ParentOrder
from angel_x.domain.book.order_with_slices import OrderWithSlices
from angel_x.domain.book.settlement import Expiry
from angel_x.domain.orders.order import OrderStatus, Product
from angel_x.domain.orders.step import Passing


class Unit(Protocol):
    """One open transaction.  Leaving it without :meth:`commit` keeps nothing."""

    def claim(self, order_ids: Sequence[int], limit: int, *, waits: bool = False) -> Claim:
        """Lock the free accounts of orders and return the oldest waiting orders of their lanes.

        ``waits`` locks the accounts that another transaction holds too, in turn.
        """

    def busy(self, order_ids: Collection[int]) -> dict[int, list[int]]:
        """Return the waiting orders of accounts that this transaction did not lock, by account."""

    def orders(self, order_ids: Sequence[int], statuses: Collection[OrderStatus]) -> Claim:
        """Lock the accounts that own those orders; return those in one of the statuses, by age."""

    def with_slices(self, order_id: int) -> OrderWithSlices:
        """Lock the account that owns an order; return the order with its slices."""

    def holdings(self, user_id: int, contracts: Collection[tuple[str, Product]]) -> Book:
        """Return the account and its positions in contracts, without locks."""

    def abandoned(self, order_ids: Sequence[int]) -> Claim:
        """Lock the accounts that own those orders; return those on their way with no lease left."""

    def expired(self, user_id: int, expiry: Expiry) -> Book:
        """Lock an account; return its positions in the contracts of an expiry.

        Positions in contracts with open orders are left out.
        """

    def duplicates(self, windows: Mapping[int, Decimal]) -> set[int]:
        """Return those orders that repeat an earlier one; ``windows`` are seconds by order id."""

    def unknown(self, order_ids: Sequence[int]) -> set[int]:
        """Return those ids that no order has."""

    def release(self, order_ids: Sequence[int]) -> None:
        """Let orders be decided that were held."""

    def await_opening(self, order_ids: Sequence[int]) -> None:
        """Hold received orders until the market opens."""

    def ask_again(self, pauses: Mapping[int, float]) -> None:
        """Let orders on their way be queried after a pause in seconds, or a longer one.

        Their leases end, and no ring counts against them.
        """

    def record(self, book: Book, actor: str) -> Sequence[ParentOrder]:
        """Write all changes of the book; return the parent orders that followed their slices."""

    def commit(self) -> None:
        """Make it durable."""


class Units(Protocol):
    """Makes transactions."""

    def begin(self) -> AbstractContextManager[Unit]:
        """Open a transaction that is rolled back unless it is committed."""

    def wait_for(self, user_id: int) -> bool:
        """Wait until no transaction holds the account's lock.

        Returns False at once where another process waits for it already: its next claim finds all
        orders that are stored now.
        """

    @property
    def at(self) -> Passing:
        """The function to call at each step, within and around transactions."""
