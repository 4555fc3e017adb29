"""Pages of a list that the server cuts, and the way back through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from angel_x.domain.records.order_record import OrderPage

#: A filter may find nothing in the orders that one answer looks at, and have more behind it.
_MOST_ANSWERS = 25


@dataclass(frozen=True, slots=True)
class Pager:
    """The cursors of the pages from the newest to the one that is shown."""

    path: tuple[str, ...] = ()

    @property
    def cursor(self) -> str | None:
        return self.path[-1] if self.path else None

    @property
    def has_newer(self) -> bool:
        return bool(self.path)

    def older(self, following: str) -> Pager:
        return Pager((*self.path, following))

    def newer(self) -> Pager:
        return Pager(self.path[:-1])


def page_of(read: Callable[[str | None], OrderPage], cursor: str | None) -> OrderPage:
    """Return the first page from ``cursor`` on that is not empty, or the last."""
    page = read(cursor)
    for _ in range(_MOST_ANSWERS):
        if page.orders or page.next is None:
            break
        page = read(page.next)
    return page
