"""An aftermath in memory that records the books handed to it."""

from __future__ import annotations

from collections.abc import Sequence

from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import ParentOrder
from angel_x.services.trading.aftermath import Aftermath


class SilentAftermath(Aftermath):
    def __init__(self) -> None:
        self.told: list[Book] = []
        #: Sliced orders that followed, by book.
        self.parents: list[list[ParentOrder]] = []
        #: Seconds that the orders of each book had been read for.
        self.elapsed: list[float] = []

    def tell(
        self, book: Book, parents: Sequence[ParentOrder] = (), elapsed_seconds: float = 0.0
    ) -> None:
        self.told.append(book)
        self.parents.append(list(parents))
        self.elapsed.append(elapsed_seconds)
