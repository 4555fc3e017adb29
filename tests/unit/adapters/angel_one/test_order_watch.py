from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.adapters.angel_one.order_updates import Event
from angel_x.adapters.angel_one.order_watch import Watch
from angel_x.adapters.angel_one.records import BookOrder
from angel_x.errors import BrokerUnavailable


def order(status: str = "open", filled: int = 0, **changes: object) -> BookOrder:
    row = {"orderid": "7", "ordertag": "angel-x-1", "quantity": 195, "price": 100, **changes}
    return BookOrder.of({**row, "status": status, "filledshares": filled})


class Book:
    """An order book that is read by hand."""

    def __init__(self) -> None:
        self.orders: list[BookOrder] = []
        self.reads = 0
        self.is_away = False
        self.now = 0.0
        self.watch = Watch(self.read, monotonic=lambda: self.now)

    def read(self) -> list[BookOrder]:
        self.reads += 1
        if self.is_away:
            raise BrokerUnavailable("away")
        return self.orders

    def changes(self, *events: BookOrder | Event) -> list[tuple[str, int]]:
        found = self.watch.changes(iter(events))
        return [(each.status, each.filled) for each in found if each is not None]


@pytest.fixture
def book() -> Book:
    return Book()


def test_an_update_that_comes_twice_is_one_change(book: Book) -> None:
    assert book.changes(order(), order(), order(filled=65), order(filled=65)) == [
        ("open", 0),
        ("open", 65),
    ]


def test_an_update_that_comes_late_is_no_change(book: Book) -> None:
    late = [order(filled=65), order("complete", 195), order(filled=130), order("cancelled", 65)]

    assert book.changes(*late) == [("open", 65), ("complete", 195)]


def test_another_price_is_a_change(book: Book) -> None:
    assert len(book.changes(order(), order(price=101), order(triggerprice=99))) == 3


REPORTS = [order(), order(filled=65), order(filled=130), order("complete", 195)]


@settings(max_examples=50)
@given(st.lists(st.sampled_from(REPORTS), max_size=20))
def test_whatever_comes_in_whatever_order_nothing_goes_backward(reports: list[BookOrder]) -> None:
    seen = Book().changes(*reports)

    filled = [units for _, units in seen]
    assert filled == sorted(set(filled))
    assert not reports or max(each.filled for each in reports) == filled[-1]


def test_what_was_missed_is_read_from_the_book_at_each_connection(book: Book) -> None:
    book.orders = [order("complete", 195)]

    assert book.changes(order(), Event.LOST, Event.CONNECTED) == [("open", 0), ("complete", 195)]


def test_the_book_is_read_once_a_minute_and_more_often_without_a_connection(book: Book) -> None:
    for event, seconds, reads in (
        (Event.CONNECTED, 0, 1),
        (Event.IDLE, 59, 1),
        (Event.IDLE, 60, 2),
        (Event.LOST, 64, 2),
        (Event.LOST, 65, 3),
        (Event.LOST, 66, 3),
        (Event.CONNECTED, 67, 4),
    ):
        book.now = seconds
        book.changes(event)
        assert book.reads == reads, (event, seconds)


def test_a_book_that_cannot_be_read_is_read_again_later(book: Book) -> None:
    book.is_away = True
    assert book.changes(Event.CONNECTED, order()) == [("open", 0)]
    book.is_away, book.orders, book.now = False, [order("complete", 195)], 60.0

    assert book.changes(Event.IDLE) == [("complete", 195)]


@pytest.mark.parametrize(
    ("tag", "foreign"),
    [("angel-x-1", False), ("", True), ("angel-x-", True), ("angel-x-01", True), ("mine", True)],
)
def test_an_order_without_a_tag_of_ours_is_foreign(tag: str, *, foreign: bool) -> None:
    assert replace(order(), tag=tag).is_foreign is foreign
