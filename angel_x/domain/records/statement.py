"""Records of an account as the API sends them: money as strings, times in UTC.

The API writes these records and the client library reads them, so both sides agree by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.contracts.delivery import Delivery
from angel_x.domain.orders.order import Product, Side
from angel_x.domain.values.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRecord:
    """An open position, with the Greeks of one unit: the published ones, else the last stored ones."""

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
    #: P&L since the opening of the market's day, realised and unrealised, before charges; None without a
    #: mark.
    day_pnl: Decimal | None = None
    #: P&L of the position, realised and unrealised, at that opening; zero for one that was opened since.
    opening_pnl: Decimal = ZERO
    #: Seconds since the request of the Greeks.
    greeks_age_seconds: float | None = None
    #: The contract has expired, and the position awaits its settlement.
    provisional: bool = False
    #: Of an option on a stock: what its expiry at the price of now would deliver.
    delivery: Delivery | None = None


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
class AccountSummary:
    """One row of the list of accounts."""

    id: int
    name: str
    cash: Decimal
    margin_used: Decimal
    realised_pnl: Decimal
    created_at: datetime


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
class FillRecord:
    """One execution of an order."""

    id: str
    execution_id: str
    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    #: Rupees a unit.
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FillPage:
    """Fills, the newest first; ``next`` is the cursor of the page after, None on the last."""

    fills: tuple[FillRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A span of time; an end that is None is open."""

    #: At this time or later.
    since: datetime | None = None
    #: Before this time.
    until: datetime | None = None
