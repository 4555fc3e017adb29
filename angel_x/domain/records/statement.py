"""Records of an account as the API sends them: money as strings, times in UTC.

The API writes these records and the client library reads them, so both sides agree by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import OrderStatus, OrderType, Priority, Product, Side, Validity
from angel_x.domain.values.money import ZERO


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
    #: Rupees a unit, to four places.
    average_price: Decimal | None = None
    #: Rupees a unit: the middle of the quote, else the last price; of an expired position its intrinsic
    #: value at the last index.  None without a quote.
    mark: Decimal | None = None
    #: Rupees, before charges; None without a mark.
    unrealised_pnl: Decimal | None = None
    #: The contract has expired, and the position awaits its settlement.
    provisional: bool = False


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
class MarginParts:
    """Margin of the worst case of an account in an underlying, in rupees, at the market of now.

    ``required`` is the sum of the other parts less ``net_option_value``, limited at zero before
    exposure margin.
    """

    #: Loss in the worst of the scenarios.
    scan: Decimal
    #: Calendar spread charge, because expiries do not move together.
    calendar: Decimal
    #: Value of long options less that of short ones.
    net_option_value: Decimal
    #: Exposure margin, and the percentage margin of contracts without a risk array.
    exposure: Decimal
    #: The addition for short units on their day of expiry.
    expiry_day: Decimal
    #: Where the underlying has no price the requirement is unknown, and this is ``held``.
    required: Decimal
    #: The part of cash and collateral that is held; equal to ``required`` if the market has not
    #: moved since.
    held: Decimal
    #: Rupees by which the margins of the short units one by one exceed the required margin.
    hedge_benefit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Cash and margin of an account."""

    cash: Decimal
    collateral: Decimal
    margin_used: Decimal
    #: Cash and collateral, less open losses of short positions, that ``required`` and the reserves of
    #: resting orders leave; negative where the account is short of margin.
    free_balance: Decimal
    realised_pnl: Decimal
    #: Margin of short positions and resting sales, by underlying; the rest of ``margin_used`` is
    #: premium and charges of resting orders.
    held: Mapping[str, Decimal] = field(default_factory=dict)
    #: Of open positions, at the market of now.
    unrealised_pnl: Decimal = ZERO
    #: Margin of all underlyings at the market of now; ``margin_used`` follows with the next order or
    #: marking, as far as cash and collateral reach.
    required: Decimal = ZERO
    #: Rupees by which requirement and reserves exceed the funds; only orders that reduce pass then.
    shortfall: Decimal = ZERO
    #: The parts of the margin of the present book, by underlying.
    underlyings: Mapping[str, MarginParts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEstimate:
    """One order of an estimate."""

    symbol: str
    side: Side
    quantity: int
    #: The assumed trade price in rupees: its limit; None where it would be denied for want of one.
    price: Decimal | None
    #: The reason of its denial, None where it would pass.
    reason: DenialReason | None
    #: The source of the margin of its contract.
    margin_source: MarginSource


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingEstimate:
    """Margin of one underlying before and after the orders of an estimate."""

    underlying: str
    before: MarginParts
    after: MarginParts
    #: That of ``after``.
    hedge_benefit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginEstimate:
    """The change of an account if each order traded in full at its limit, purchases first.

    Amounts include orders that only the free balance does not allow.
    """

    #: Whether none of the orders would be denied.
    fits: bool
    #: The increase of margin used; negative where margin is freed.
    initial_margin: Decimal
    #: Net premium received in rupees; negative where it is paid.
    premium: Decimal
    charges: Decimal
    margin_used: Decimal
    margin_used_after: Decimal
    free_balance: Decimal
    free_balance_after: Decimal
    orders: tuple[OrderEstimate, ...]
    #: The underlyings of the orders, by name; without orders those of the account.
    underlyings: tuple[UnderlyingEstimate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Filter of the orders of an account; a field that is None takes all.

    Slices are listed under their ``parent_id`` only.
    """

    status: OrderStatus | None = None
    symbol: str | None = None
    client_order_id: str | None = None
    parent_id: int | None = None
    basket_id: str | None = None
    #: Accepted at this time or later.
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary:
    """One row of the list of accounts."""

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
    """Closed round trips, the newest first; ``next`` is the cursor of the page after, None on the last."""

    trades: tuple[TradeRecord, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRecord:
    """One line of the ledger."""

    at: datetime
    account: LedgerAccount
    #: Signed rupees.
    amount: Decimal
    #: None for deposits and settlements.
    order_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPage:
    """Ledger entries, the newest first; ``next`` is the cursor of the page after, None on the last."""

    entries: tuple[LedgerRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A span of time; an end that is None is open."""

    #: At this time or later.
    since: datetime | None = None
    #: Before this time.
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of the live stream of an account."""

    #: The ``after`` of a stream that resumes behind this event.
    id: str
    kind: str
    body: dict[str, object]
