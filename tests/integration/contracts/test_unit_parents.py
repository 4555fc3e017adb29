"""One contract of transactions over accounts and orders: a sliced order is what its slices are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import ParentOrder
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import OPEN, Order, OrderStatus
from tests.builders.terms import fill, rest
from tests.fakes.tables import LOT
from tests.integration.contracts.worlds import MARGIN, World


def deny(book: Book, order: Order) -> None:
    book.deny(order, DenialReason.NO_QUOTE)


def cancel(book: Book, order: Order) -> None:
    book.take_off(order, OrderStatus.CANCELED, CancelReason.REQUESTED)


def expire(book: Book, order: Order) -> None:
    book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)


DEEDS: dict[str, Callable[[Book, Order], object]] = {
    "fill": lambda book, order: book.decide(order, fill("100.00")),
    "part": lambda book, order: book.decide(order, fill("100.00", units=1)),
    "rest": lambda book, order: book.decide(order, rest("99.50")),
    "deny": deny,
    "cancel": cancel,
    "expire": expire,
    "wait": lambda book, order: None,
}


def sliced(world: World, user: int, limit: str | None = "100.00") -> tuple[int, list[int]]:
    parent = world.order(user, limit, held=True, slices=2, quantity=2 * LOT)
    return parent, [world.order(user, limit, parent_id=parent) for _ in range(2)]


def act(world: World, slices: list[int], *deeds: str) -> Sequence[ParentOrder]:
    with world.units.begin() as unit:
        orders, book = unit.orders(slices, OPEN)
        book.margins.sheet = MARGIN
        for order, deed in zip(orders, deeds, strict=True):
            DEEDS[deed](book, order)
        moved = unit.record(book, "test")
        unit.commit()
    return moved


@pytest.mark.parametrize(
    ("deeds", "status", "reason"),
    [
        (("fill", "fill"), "filled", None),
        (("fill", "wait"), "partially_filled", None),
        (("part", "rest"), "partially_filled", None),
        (("rest", "wait"), "working", None),
        (("deny", "wait"), "working", "NO_QUOTE"),
        (("deny", "deny"), "denied", "NO_QUOTE"),
        (("deny", "cancel"), "canceled", "NO_QUOTE"),
        (("cancel", "cancel"), "canceled", "REQUESTED"),
        (("fill", "deny"), "canceled", "NO_QUOTE"),
        (("cancel", "expire"), "expired", "VALIDITY_ENDED"),
        (("expire", "fill"), "expired", "VALIDITY_ENDED"),
    ],
)
def test_a_sliced_order_stands_where_its_slices_have_come_to(
    world: World, user: int, deeds: tuple[str, str], status: str, reason: str | None
) -> None:
    parent, slices = sliced(world, user)

    moved = act(world, slices, *deeds)

    row = world.row(parent)
    filled = sum(world.row(number).order.filled_quantity for number in slices)
    assert (row.order.status, row.reason, row.order.filled_quantity) == (status, reason, filled)
    assert row.order.traded_value == 100 * filled
    assert (row.closed_at is not None) == row.order.status.is_closed
    assert world.events(parent) == [(status, "test", 0, reason)]
    (told,) = moved
    assert (told.order_id, told.user_id, told.quantity) == (parent, user, 2 * LOT)
    assert (told.status, told.reason, told.filled_quantity) == (status, reason, filled)
    assert told.average_price == (Decimal("100.0000") if filled else None)
    assert (told.client_order_id, told.symbol) == (row.order.client_order_id, row.order.symbol)


def test_a_sliced_order_at_market_gets_the_limit_of_its_slices(world: World, user: int) -> None:
    parent, slices = sliced(world, user, None)

    act(world, slices, "rest", "rest")

    assert world.row(parent).order.limit_price == Decimal("99.50")


def test_nothing_is_told_of_a_sliced_order_that_stays_where_it_is(world: World, user: int) -> None:
    parent, slices = sliced(world, user)
    act(world, slices, "rest", "wait")

    assert list(act(world, slices, "wait", "rest")) == []
    assert len(world.events(parent)) == 1


def test_a_sliced_order_follows_no_slices_but_its_own(world: World, user: int) -> None:
    parent, slices = sliced(world, user)
    other, _ = sliced(world, user)

    act(world, [*slices, world.order(user)], "cancel", "cancel", "fill")

    assert world.row(parent).order.status is OrderStatus.CANCELED
    assert world.row(other).order.status is OrderStatus.RECEIVED
    assert world.events(other) == []


def test_a_sliced_order_that_is_left_without_a_commit_stays(world: World, user: int) -> None:
    parent, slices = sliced(world, user)

    with world.units.begin() as unit:
        orders, book = unit.orders(slices, OPEN)
        for order in orders:
            cancel(book, order)
        unit.record(book, "test")

    assert world.row(parent).order.status is OrderStatus.RECEIVED
    assert world.events(parent) == []
