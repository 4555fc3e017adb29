"""What an account reads about itself, as it goes over the wire: money as strings, times in UTC.

The API writes these records and the client library reads them, so both sides agree by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.orders.denial import DenialReason
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
    """One move of an order."""

    status: OrderStatus
    actor: str
    reason: str | None
    at: datetime
    #: Which attempt to place the order it belongs to; zero before the first.
    attempt: int = 0
    #: What an amendment changed.
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
    """An order with everything that happened to it, oldest first.

    The fills of an order that was sliced are those of its slices.
    """

    events: tuple[EventRecord, ...] = ()
    fills: tuple[FillRecord, ...] = ()
    slices: tuple[OrderRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """Orders, newest first; ``next`` is the cursor of the page after, None on the last."""

    orders: tuple[OrderRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReceipt:
    """The answer to one submitted order."""

    order_id: str
    client_order_id: str
    status: OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRecord:
    """An open position, with the last snapshot of the Greeks of one unit where there is one."""

    id: str
    symbol: str
    product: Product
    #: Units; negative where the account is short.
    quantity: int
    cost: Decimal
    realised_pnl: Decimal
    entry_time: datetime
    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    greeks_as_of: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRecord:
    """A closed round trip."""

    id: str
    symbol: str
    #: The side that opened it.
    side: Side
    quantity: int
    entry_price: Decimal
    exit_price: Decimal
    realised_pnl: Decimal
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Cash and margin of an account."""

    cash: Decimal
    collateral: Decimal
    margin_used: Decimal
    #: Cash and collateral that no margin holds.
    free_balance: Decimal
    realised_pnl: Decimal
    #: What short positions and resting sales hold of the margin, by underlying; the rest is premium
    #: and charges of orders that rest.
    held: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEstimate:
    """One order of an estimate."""

    symbol: str
    side: Side
    quantity: int
    #: The limit at which it was taken to trade, in rupees; None where it would be denied for want
    #: of one.
    price: Decimal | None
    #: Why it would be denied, None where it would not.
    reason: DenialReason | None
    #: What the margin of its contract was computed from.
    margin_source: MarginSource


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginParts:
    """What the worst case of an account in an underlying needs now, in rupees."""

    #: Loss in the worst of the scenarios.
    scan: Decimal
    #: Charged because expiries do not move together.
    calendar: Decimal
    #: Options held less options owed.
    net_option_value: Decimal
    #: Exposure margin, more on the day of expiry, and what is asked for without risk arrays.
    exposure: Decimal
    required: Decimal
    #: Of cash and collateral.  As much as is required, if the market stood still since.
    held: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingEstimate:
    """What orders would do to the margin of one underlying."""

    underlying: str
    before: MarginParts
    after: MarginParts
    #: Rupees that the units short would need one by one beyond what is required in the end.
    hedge_benefit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginEstimate:
    """What orders would do to an account if each traded in full at its limit, purchases first."""

    #: Whether none of the orders would be denied.
    fits: bool
    #: Margin that they would take; negative where they free some.
    initial_margin: Decimal
    #: Rupees that premiums would bring in; negative where they cost more.
    premium: Decimal
    charges: Decimal
    margin_used: Decimal
    margin_used_after: Decimal
    free_balance: Decimal
    free_balance_after: Decimal
    orders: tuple[OrderEstimate, ...]
    #: Those of the orders, by name.
    underlyings: tuple[UnderlyingEstimate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders of an account to list; None takes all, but slices only those of a parent."""

    status: OrderStatus | None = None
    symbol: str | None = None
    client_order_id: str | None = None
    parent_id: int | None = None
    basket_id: str | None = None
    #: Accepted at this time or later.
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary:
    """An account as a list of accounts shows it."""

    id: int
    name: str
    cash: Decimal
    margin_used: Decimal
    realised_pnl: Decimal
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReceipts:
    """The answer to a submission: one receipt an order, in the order in which they were sent."""

    orders: tuple[OrderReceipt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionList:
    """The open positions of an account, the newest first."""

    positions: tuple[PositionRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeList:
    """What an account closed within 24 hours, the newest first."""

    trades: tuple[TradeRecord, ...]


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something that happened to an account, as the live stream tells it."""

    #: Shown to resume after it.
    id: str
    kind: str
    body: dict[str, object]
