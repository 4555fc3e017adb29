"""Orders of an account as the API sends them, with their events and fills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from angel_x.domain.orders.order import OrderStatus, OrderType, Priority, Product, Side, Validity


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """One order.  Its ``price`` is the limit price, under the name that it was submitted with."""

    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    filled_quantity: int
    order_type: OrderType
    price: Decimal | None
    trigger_price: Decimal | None
    validity: Validity
    product: Product
    priority: Priority
    tag: str | None
    status: OrderStatus
    reason: str | None
    #: Rupees a unit over all fills.
    average_price: Decimal | None
    accepted_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    #: The order of which this one is a slice.
    parent_id: str | None = None
    #: The basket of which it is a leg.
    basket_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One status change of an order."""

    status: OrderStatus
    actor: str
    reason: str | None
    at: datetime
    #: The number of the attempt to place the order; zero before the first.
    attempt: int = 0
    #: The fields that an amendment changed.
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRecord:
    """One execution of an order."""

    execution_id: str
    quantity: int
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHistory(OrderRecord):
    """An order with its events and fills, oldest first.

    The fills of an order that was sliced are those of its slices.
    """

    events: tuple[EventRecord, ...] = ()
    fills: tuple[FillRecord, ...] = ()
    slices: tuple[OrderRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReceipt:
    """The answer to one submitted order."""

    order_id: str
    client_order_id: str
    status: OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReceipts:
    """The answer to a submission: one receipt an order, in the order in which they were sent."""

    orders: tuple[OrderReceipt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Filter of the orders of an account; a field that is None takes all.

    Slices are listed under their ``parent_id`` only.
    """

    status: OrderStatus | None = None
    #: True for orders that are not closed.
    is_open: Literal[True] | None = None
    symbol: str | None = None
    client_order_id: str | None = None
    parent_id: int | None = None
    basket_id: str | None = None
    #: Accepted at this time or later.
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """Orders, newest first; ``next`` is the cursor of the page after, None on the last.

    A page looks at 2,000 orders at most: with a filter it may be short, or empty, before the last.
    """

    orders: tuple[OrderRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class PageFloor:
    """The end of the orders that one page looks at."""

    #: The lowest id that it looks at.
    id: int
    #: Whether no order below it can match.
    is_last: bool
