"""What a sliced order has come to, from where its slices stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from angel_x.adapters.postgres.book_unit import BookUnits
from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import Move, ParentOrder
from angel_x.domain.orders.order import OrderStatus
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.stored import UNIVERSE, B, empty_book, insert_order, select, stored_order

if TYPE_CHECKING:
    from sqlalchemy import Engine

S = OrderStatus
CLOSED = {S.DENIED, S.REJECTED, S.FILLED, S.CANCELED, S.EXPIRED}


@dataclass
class OrderWithSlices:
    """A stored order for 1,300 units with two slices of 650."""

    engine: Engine
    user_id: int
    parent: int
    slices: list[int]

    def come_to(self, *ends: tuple[OrderStatus, int, str, str | None]) -> Sequence[ParentOrder]:
        """Let each slice stand somewhere: status, units filled, rupees traded, reason."""
        book = empty_book()
        for number, (status, filled, value, reason) in zip(self.slices, ends, strict=True):
            order = stored_order(self.engine, number)
            order.status, order.filled_quantity = status, filled
            order.traded_value = Decimal(value)
            book.moves.append(Move(order, status, reason))
        return self.record(book)

    def record(self, book: Book) -> Sequence[ParentOrder]:
        with BookUnits(self.engine, lease_seconds=60.0).begin() as unit:
            parents = unit.record(book, "test")
            unit.commit()
        return parents

    def whole(self, columns: str) -> tuple[Any, ...]:
        [row] = select(self.engine, f"SELECT {columns} FROM orders WHERE id = {self.parent}")
        return row

    def events(self) -> list[tuple[Any, ...]]:
        return select(
            self.engine,
            f"SELECT status, actor, reason FROM order_events WHERE order_id = {self.parent}",
        )


@pytest.fixture
def with_slices(engine: Engine) -> OrderWithSlices:
    list_contracts(engine, UNIVERSE)
    _, user_id = open_accounts(engine, 2)
    usual = {"symbol": B, "side": "SELL", "order_type": "SL", "trigger_price": "51.00"}
    parent = insert_order(engine, user_id, "whole", quantity=1300, slices=2, held=True, **usual)
    slices = [insert_order(engine, user_id, f"s{n}", parent_id=parent, **usual) for n in (1, 2)]
    return OrderWithSlices(engine, user_id, parent, slices)


UNTRADED, HALF, ALL = (0, "0"), (65, "3300.05"), (650, "33000.50")

#: Where the slices stand: status, what has traded, reason; what the whole is then.
FOLDS = {
    "one has not been decided": (
        (S.RECEIVED, *UNTRADED, None), (S.WORKING, *UNTRADED, None), "working", None),
    "both rest": (
        (S.WORKING, *UNTRADED, None), (S.TRIGGER_PENDING, *UNTRADED, None), "working", None),
    "one has traded in part": (
        (S.WORKING, *UNTRADED, None), (S.PARTIALLY_FILLED, *HALF, None), "partially_filled", None),
    "one has traded and the other was denied": (
        (S.FILLED, *ALL, None), (S.DENIED, *UNTRADED, "NO_QUOTE"), "canceled", "NO_QUOTE"),
    "one has traded and the other rests": (
        (S.FILLED, *ALL, None), (S.WORKING, *UNTRADED, None), "partially_filled", None),
    "one is denied and the other rests": (
        (S.DENIED, *UNTRADED, "NO_QUOTE"), (S.WORKING, *UNTRADED, None), "working", "NO_QUOTE"),
    "both have traded": (
        (S.FILLED, *ALL, None), (S.FILLED, *ALL, None), "filled", None),
    "both were denied": (
        (S.DENIED, *UNTRADED, "NO_QUOTE"), (S.DENIED, *UNTRADED, "PRICE_BAND"), "denied",
        "NO_QUOTE"),
    "one was denied and one rejected": (
        (S.REJECTED, *UNTRADED, "PRICE_BAND"), (S.DENIED, *UNTRADED, "NO_QUOTE"), "denied",
        "PRICE_BAND"),
    "one was denied and one canceled": (
        (S.DENIED, *UNTRADED, "NO_QUOTE"), (S.CANCELED, *UNTRADED, "REQUESTED"), "canceled",
        "NO_QUOTE"),
    "both were canceled": (
        (S.CANCELED, *HALF, "REQUESTED"), (S.CANCELED, *UNTRADED, "SQUARED_OFF"), "canceled",
        "REQUESTED"),
    "one was canceled and one expired": (
        (S.CANCELED, *UNTRADED, "REQUESTED"), (S.EXPIRED, *HALF, "VALIDITY_ENDED"), "expired",
        "VALIDITY_ENDED"),
    "one has expired and the other rests": (
        (S.EXPIRED, *UNTRADED, "VALIDITY_ENDED"), (S.WORKING, *UNTRADED, None), "working",
        "VALIDITY_ENDED"),
    "one has expired and the other has traded": (
        (S.FILLED, *ALL, None), (S.EXPIRED, *UNTRADED, "VALIDITY_ENDED"), "expired",
        "VALIDITY_ENDED"),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "status", "reason"), FOLDS.values(), ids=FOLDS)
def test_a_sliced_order_is_what_its_slices_are(
    with_slices: OrderWithSlices,
    first: tuple[OrderStatus, int, str, str | None],
    second: tuple[OrderStatus, int, str, str | None],
    status: str,
    reason: str | None,
) -> None:
    parents = with_slices.come_to(first, second)

    filled, value = first[1] + second[1], Decimal(first[2]) + Decimal(second[2])
    average = {0: None, 65: "50.7700", 650: "50.7700", 1300: "50.7700"}[filled]
    assert with_slices.whole(
        "status, reason, filled_quantity, traded_value, average_price::text, limit_price::text, "
        "trigger_price::text, closed_at IS NOT NULL, updated_at > accepted_at"
    ) == (status, reason, filled, value, average, "50.00", "51.00", status in CLOSED, True)
    assert with_slices.events() == [(status, "test", reason)]
    assert parents == [
        ParentOrder(
            with_slices.user_id, with_slices.parent, "whole", B, "SELL", status, reason, 1300, filled,
            None if average is None else Decimal(average),
        )
    ]  # fmt: skip


def test_slices_that_wait_for_their_decision_leave_the_whole_as_it_was(
    with_slices: OrderWithSlices,
) -> None:
    parents = with_slices.come_to((S.RECEIVED, *UNTRADED, None), (S.RECEIVED, *UNTRADED, None))

    assert with_slices.whole("status, filled_quantity, updated_at = accepted_at")[:2] == (
        "received",
        0,
    )
    assert (with_slices.events(), parents) == ([], [])


def test_a_whole_that_is_where_it_was_is_not_told_of_again(with_slices: OrderWithSlices) -> None:
    ends = (S.WORKING, *UNTRADED, None), (S.WORKING, *UNTRADED, None)
    with_slices.come_to(*ends)
    [updated] = with_slices.whole("updated_at")

    parents = with_slices.come_to(*ends)

    assert with_slices.whole("updated_at") == (updated,)
    assert (with_slices.events(), parents) == ([("working", "test", None)], [])


@pytest.mark.parametrize(("price", "trigger"), [("60.00", "51.00"), ("50.00", "61.00")])
def test_an_amended_price_is_that_of_the_whole_and_told(
    with_slices: OrderWithSlices, price: str, trigger: str
) -> None:
    with_slices.come_to((S.CANCELED, *UNTRADED, "REQUESTED"), (S.WORKING, *UNTRADED, None))
    order = stored_order(with_slices.engine, with_slices.slices[1])
    order.limit_price, order.trigger_price = Decimal(price), Decimal(trigger)
    book = empty_book()
    book.moves.append(Move(order, order.status, "AMENDED"))
    book.amended.append((order, False))

    parents = with_slices.record(book)

    assert with_slices.whole("limit_price::text, trigger_price::text") == (price, trigger)
    assert [parent.order_id for parent in parents] == [with_slices.parent]


def test_what_happens_to_one_whole_leaves_the_others_as_they_were(
    with_slices: OrderWithSlices,
) -> None:
    other = insert_order(with_slices.engine, with_slices.user_id, "other", slices=1, held=True)
    insert_order(with_slices.engine, with_slices.user_id, "t1", parent_id=other)

    parents = with_slices.come_to((S.FILLED, *ALL, None), (S.FILLED, *ALL, None))

    assert select(
        with_slices.engine, f"SELECT status, traded_value FROM orders WHERE id = {other}"
    ) == [("received", 0)]
    assert [parent.order_id for parent in parents] == [with_slices.parent]
