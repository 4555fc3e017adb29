"""A claim: orders that a transaction may move, and the book that they move in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from angel_x.domain.book.book import Book
from angel_x.domain.orders.order import Order


class Claim(NamedTuple):
    """Orders that were read with their accounts locked."""

    orders: Sequence[Order]
    book: Book
