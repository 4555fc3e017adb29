"""Pages of orders: how many, and whether there is another one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from angel_x.domain.records import cursor
from angel_x.domain.records.order_record import OrderFilter, PageFloor
from angel_x.services.accounts.reading import Reading


class Rows:
    """Orders with the ids 1 to ``count``, newest first."""

    def __init__(self, count: int, floor_id: int | None = None) -> None:
        self.count = count
        self.floor_id = floor_id
        self.asked: list[tuple[int, int]] = []

    def floor(self, user_id: int, wanted: OrderFilter, before_id: int) -> PageFloor:
        return PageFloor(self.floor_id or 0, is_last=self.floor_id is None)

    def orders(
        self, user_id: int, wanted: OrderFilter, before_id: int, limit: int, floor_id: int
    ) -> list[Any]:
        assert floor_id == (self.floor_id or 0)
        assert user_id == 7
        assert wanted == OrderFilter()
        self.asked.append((before_id, limit))
        ids = [number for number in range(self.count, 0, -1) if number < before_id]
        return [Row(str(number)) for number in ids[:limit]]


class Row:
    def __init__(self, order_id: str) -> None:
        self.order_id = order_id


def page(rows: Rows, limit: int, after: str | None = None) -> tuple[list[str], str | None]:
    reading = Reading(cast("Any", rows), lambda: datetime(2026, 8, 19, tzinfo=UTC))
    found = reading.orders(7, OrderFilter(), after=after, limit=limit)
    return [order.order_id for order in found.orders], found.next


@pytest.mark.parametrize(
    ("count", "ids", "following"),
    [(0, [], None), (2, ["2", "1"], None), (3, ["3", "2", "1"], None), (4, ["4", "3", "2"], 2)],
)
def test_a_page_that_is_exactly_full_has_none_after_it(
    count: int, ids: list[str], following: int | None
) -> None:
    expected = None if following is None else cursor.encode(following)

    assert page(Rows(count), limit=3) == (ids, expected)


def test_pages_of_one_show_every_order_once() -> None:
    rows, seen, after = Rows(3), list[str](), None
    for _ in range(3):
        ids, after = page(rows, 1, after)
        seen += ids

    assert (seen, after) == (["3", "2", "1"], None)
    assert rows.asked == [(2**63 - 1, 2), (3, 2), (2, 2)]


@pytest.mark.parametrize(("count", "following"), [(0, 40), (3, 40), (4, 2)])
def test_a_page_that_looked_at_its_share_goes_on_below_it(count: int, following: int) -> None:
    _, after = page(Rows(count, floor_id=40), limit=3)

    assert after == cursor.encode(following)
