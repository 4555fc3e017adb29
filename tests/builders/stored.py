"""Rows written straight into a database, and rows read straight from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from angel_x.domain.book.book import Book
from angel_x.domain.orders.order import (
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from tests.builders.chains import make_universe

if TYPE_CHECKING:
    from sqlalchemy import Engine

UNIVERSE = make_universe()
#: Contracts to tell apart, of one underlying.
A, B, C, D, E = UNIVERSE.symbols[:5]

_ORDER: dict[str, Any] = {
    "request_hash": b"\0",
    "symbol": A,
    "side": "BUY",
    "quantity": 650,
    "order_type": "LIMIT",
    "limit_price": "50.00",
    "validity": "DAY",
    "product": "NRML",
    "priority": "normal",
    "ring_at": "2026-08-19T07:00:00Z",
    "valid_until": "2026-08-19T10:10:00Z",
}


def insert(engine: Engine, table: str, **columns: Any) -> None:
    """Store one row."""
    names = ", ".join(columns)
    values = ", ".join(f"%({name})s" for name in columns)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({values})", columns)


def insert_order(engine: Engine, user_id: int, name: str, **columns: Any) -> int:
    """Store an order, by default a received one for 650 units, and return its id."""
    insert(engine, "orders", user_id=user_id, client_order_id=name, **(_ORDER | columns))
    [(order_id,)] = select(engine, "SELECT max(id) FROM orders")
    return int(order_id)


def select(engine: Engine, statement: str) -> list[tuple[Any, ...]]:
    """Return rows as tuples."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def stored_order(engine: Engine, order_id: int) -> Order:
    """Return an order without the code that the product reads it with."""
    [row] = select(
        engine,
        "SELECT id, user_id, symbol, side, quantity, filled_quantity, order_type, limit_price, "
        "validity, priority, status, valid_until, client_order_id, attempt, reserved, traded_value, "
        f"product, trigger_price, parent_id, time_priority FROM orders WHERE id = {order_id}",
    )
    made = Order(*row)
    made.side, made.order_type = Side(made.side), OrderType(made.order_type)
    made.validity, made.priority = Validity(made.validity), Priority(made.priority)
    made.status, made.product = OrderStatus(made.status), Product(made.product)
    return made


def empty_book() -> Book:
    return Book({}, {}, {})
