"""The results of a decision: moves of orders, fills, and parent orders that follow their slices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.orders.order import Order, OrderStatus


@dataclass(frozen=True, slots=True)
class Move:
    """One status change of an order, which becomes an event."""

    order: Order
    status: OrderStatus
    reason: str | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class ParentOrder:
    """The state of a parent order after its slices have moved."""

    user_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: str
    status: str
    reason: str | None
    quantity: int
    filled_quantity: int
    #: Rupees a unit over the fills of all slices.
    average_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution."""

    order: Order
    quantity: int
    #: Rupees a unit.
    price: Decimal
    #: The venue's name for it; a repeated fill has the same one.
    execution_id: str
    #: The market's day in India; None where the book was not told it.
    day: date | None = None
