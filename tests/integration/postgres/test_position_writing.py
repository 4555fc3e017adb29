"""Positions and round trips: one row from opening to closing, and a new row for what follows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from angel_x.adapters.postgres.book_unit import BookUnits
from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import Move
from angel_x.domain.book.position import Closing, Position
from angel_x.domain.orders.order import OrderStatus, Product, Side
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.stored import (
    UNIVERSE,
    A,
    B,
    C,
    D,
    empty_book,
    insert,
    insert_order,
    select,
    stored_order,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

OPENED = datetime(2026, 8, 17, 4, 30, tzinfo=UTC)
NRML, MIS = Product.NORMAL, Product.INTRADAY


@pytest.fixture
def users(engine: Engine) -> list[int]:
    list_contracts(engine, UNIVERSE)
    return open_accounts(engine, 2)


def record(engine: Engine, book: Book) -> None:
    with BookUnits(engine, lease_seconds=1.0).begin() as unit:
        unit.record(book, "test")
        unit.commit()


def a_book(engine: Engine, user_id: int) -> Book:
    """Return a book in which one order has begun to rest."""
    book = empty_book()
    order = stored_order(engine, insert_order(engine, user_id, "one"))
    order.status = OrderStatus.WORKING
    book.moves.append(Move(order, order.status, None))
    return book


def store_position(engine: Engine, user_id: int, symbol: str, product: Product = NRML) -> int:
    insert(engine, "positions", user_id=user_id, portfolio_id=user_id, symbol=symbol,
           product=product.value, status="OPEN", quantity=65, cost="6500.05", realised_pnl="1.25",
           entry_time=OPENED)  # fmt: skip
    [(row,)] = select(engine, "SELECT max(id) FROM positions")
    return int(row)


POSITIONS = (
    "SELECT id, user_id, portfolio_id, symbol, product, status, quantity, cost::text, "
    "realised_pnl::text, entry_time, exit_time > now() - interval '1 hour' FROM positions ORDER BY id"
)


def test_a_position_is_written_to_its_row_and_a_new_one_to_a_row_of_its_own(
    engine: Engine, users: list[int]
) -> None:
    first, second = users
    grown, shut, other = (store_position(engine, first, s) for s in (A, B, C))
    book = a_book(engine, first)
    book.positions = {
        (first, A, NRML): Position(first, A, NRML, 195, Decimal("195.15"), Decimal("-3.35"), grown),
        (second, D, MIS): Position(second, D, MIS, -130, Decimal("-77.05"), Decimal("4.45")),
    }
    book.flattened = [
        Position(first, B, NRML, 0, Decimal(0), Decimal("-8.85"), shut, OPENED),
        Position(second, C, NRML, 0, Decimal(0), Decimal("9.95")),
    ]

    record(engine, book)

    rows = select(engine, POSITIONS)
    assert rows[:3] == [
        (grown, first, first, A, "NRML", "OPEN", 195, "195.15", "-3.35", OPENED, None),
        (shut, first, first, B, "NRML", "CLOSED", 0, "0.00", "-8.85", OPENED, True),
        (other, first, first, C, "NRML", "OPEN", 65, "6500.05", "1.25", OPENED, None),
    ]
    # Flat before it was ever stored, and one that is open.
    assert [(*row[1:9], row[10]) for row in rows[3:]] == [
        (second, second, C, "NRML", "CLOSED", 0, "0.00", "9.95", True),
        (second, second, D, "MIS", "OPEN", -130, "-77.05", "4.45", None),
    ]
    assert all(row[9] > OPENED for row in rows[3:])


def test_a_position_turned_over_closes_its_row_and_opens_another(
    engine: Engine, users: list[int]
) -> None:
    first = users[0]
    shut = store_position(engine, first, A)
    book = a_book(engine, first)
    book.flattened = [Position(first, A, NRML, 0, Decimal(0), Decimal("5.55"), shut, OPENED)]
    book.positions = {(first, A, NRML): Position(first, A, NRML, -65, Decimal("-70.00"))}

    record(engine, book)

    old, new = select(engine, POSITIONS)
    assert old[0] == shut
    assert (old[5:9], new[5:9]) == (
        ("CLOSED", 0, "0.00", "5.55"),
        ("OPEN", -65, "-70.00", "0.00"),
    )
    assert (old[9], new[9] > OPENED) == (OPENED, True)


def test_a_round_trip_is_written_field_by_field(engine: Engine, users: list[int]) -> None:
    first, second = users
    book = a_book(engine, first)
    book.trades = [
        (first, A, Closing(Side.BUY, 65, Decimal("10.12345"), Decimal("11.5"), Decimal("89.48"), OPENED)),
        (second, B, Closing(Side.SELL, 130, Decimal("20.25"), Decimal("21.75"), Decimal(-195), None)),
    ]  # fmt: skip

    record(engine, book)

    rows = select(
        engine,
        "SELECT user_id, symbol, status, side, quantity, entry_price::text, exit_price::text, "
        "realised_pnl::text, created_at, closed_at FROM trades ORDER BY id",
    )
    assert [row[:8] for row in rows] == [
        (first, A, "CLOSED", "BUY", 65, "10.1235", "11.5000", "89.48"),
        (second, B, "CLOSED", "SELL", 130, "20.2500", "21.7500", "-195.00"),
    ]
    assert rows[0][8] == OPENED
    assert rows[1][8] > OPENED, "opened in the same batch"
    assert all(row[9] > OPENED for row in rows)


def test_the_open_position_of_the_orders_contract_and_product_is_read_with_it(
    engine: Engine, users: list[int]
) -> None:
    first, second = users
    insert(engine, "positions", user_id=first, portfolio_id=first, symbol=A, product="NRML",
           status="CLOSED", quantity=0, cost=0, realised_pnl="99.99", exit_time=OPENED)  # fmt: skip
    normal, intraday = store_position(engine, first, A), store_position(engine, first, A, MIS)
    store_position(engine, first, B)
    store_position(engine, second, A)
    ids = [
        insert_order(engine, first, "normal"),
        insert_order(engine, first, "intraday", product="MIS"),
        insert_order(engine, first, "nothing held", symbol=C),
    ]

    with BookUnits(engine, lease_seconds=1.0).begin() as unit:
        orders, book = unit.orders(ids, {OrderStatus.RECEIVED})

    assert [o.id for o in orders] == ids
    figures = 65, Decimal("6500.05"), Decimal("1.25")
    assert book.positions == {
        (first, A, NRML): Position(first, A, NRML, *figures, normal, OPENED),
        (first, A, MIS): Position(first, A, MIS, *figures, intraday, OPENED),
    }


def test_what_is_reopened_does_not_join_the_row_that_was_closed(
    engine: Engine, users: list[int]
) -> None:
    first = users[0]
    insert(engine, "positions", user_id=first, portfolio_id=first, symbol=A, product="NRML",
           status="CLOSED", quantity=0, cost=0, realised_pnl="99.99", entry_time=OPENED,
           exit_time=OPENED)  # fmt: skip
    ids = [insert_order(engine, first, "again")]

    with BookUnits(engine, lease_seconds=1.0).begin() as unit:
        _, book = unit.orders(ids, {OrderStatus.RECEIVED})
        held = unit.holdings(first, [(A, NRML)])

    assert (book.positions, held.positions) == ({}, {})
