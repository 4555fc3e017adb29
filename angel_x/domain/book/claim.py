"""A claim: orders that a transaction may move, and the book that they move in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from angel_x.domain.book.book import Book
from angel_x.domain.orders.order import Order, Priority

#: The part of a claim that the emergencies of one account take at most.
_EMERGENCY_PART = 4


class Claim(NamedTuple):
    """Orders that were read with their accounts locked."""

    orders: Sequence[Order]
    book: Book


def share_of(lane: Priority, limit: int) -> int:
    """Return the most orders of one account in a claim of at most ``limit``.

    A claim in the emergency lane is short, so that the emergency of another account soon has its turn.
    """
    return max(1, limit // _EMERGENCY_PART) if lane is Priority.EMERGENCY else limit
