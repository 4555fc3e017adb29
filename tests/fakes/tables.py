"""The tables of orders and accounts in memory, as the fakes of several ports share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import Pair
from angel_x.domain.book.position import Position
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.orders.order import (
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from angel_x.domain.values.money import ZERO

SYMBOL = "NIFTY_25AUG26_24000CE"
LOT = 65
NOW = datetime(2026, 8, 19, 6, 0, tzinfo=UTC)


@dataclass
class Row:
    """A row of the orders table: the order, and what only the database keeps of it."""

    order: Order
    accepted_at: datetime
    ring_at: datetime
    rings: int = 0
    held: bool = False
    awaits_opening: bool = False
    #: How many orders it was sliced into.
    slices: int = 0
    basket_id: int | None = None
    lease_until: datetime | None = None
    closed_at: datetime | None = None

    @property
    def reason(self) -> str | None:
        """Why the order last moved."""
        return self.order.reason

    @reason.setter
    def reason(self, reason: str | None) -> None:
        self.order.reason = reason


@dataclass(frozen=True)
class Event:
    """A row of the events of orders."""

    order_id: int
    status: OrderStatus
    actor: str
    reason: str | None
    attempt: int = 0
    detail: str | None = None


@dataclass
class Tables:
    """Orders by id, accounts with what they hold, and every book that was committed."""

    #: The time of the database server.
    clock: Callable[[], datetime] = lambda: NOW
    rules: TradingRules = field(default_factory=TradingRules)
    rows: dict[int, Row] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    exposures: dict[tuple[int, str], Exposure] = field(default_factory=dict)
    positions: dict[tuple[int, str, Product], Position] = field(default_factory=dict)
    margins: dict[Pair, Decimal] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)
    #: Accounts and orders that a transaction which is open has locked, and which one.
    account_locks: dict[int, object] = field(default_factory=dict)
    order_locks: dict[int, object] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=lambda: count(1))

    def account(self, cash: str = "10000000") -> int:
        """Open an account; return its id."""
        user_id = len(self.accounts) + 1
        self.accounts[user_id] = Account(user_id, Decimal(cash), ZERO, ZERO)
        return user_id

    def store(self, order: Order) -> Row:
        """Insert an order that was accepted just now and is to be rung for in two seconds."""
        self.accounts.setdefault(order.user_id, Account(order.user_id, Decimal(10**12), ZERO, ZERO))
        now = self.clock()
        row = Row(order, now, now + timedelta(seconds=2))
        self.rows[order.id] = row
        return row

    def order(self, user_id: int = 1, limit: str | None = None, **columns: Any) -> Order:
        """Insert an order for a lot that was received; return the stored one, not a copy."""
        number = len(self.rows) + 1
        order = Order(
            id=number,
            user_id=user_id,
            symbol=SYMBOL,
            side=Side.BUY,
            quantity=LOT,
            filled_quantity=0,
            order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            limit_price=None if limit is None else Decimal(limit),
            validity=Validity.DAY,
            priority=Priority.NORMAL,
            status=OrderStatus.RECEIVED,
            valid_until=self.clock() + timedelta(hours=4),
            client_order_id=f"c{number}",
            time_priority=number,
        )
        for name, value in columns.items():
            setattr(order, name, value)
        self.store(order)
        return order

    def statuses(self) -> dict[int, str]:
        """Return the status of every order by id."""
        return {number: str(row.order.status) for number, row in self.rows.items()}

    def events_of(self, order_id: int) -> list[tuple[str, int, str | None]]:
        """Return status, attempt and reason of each event of an order."""
        found = [event for event in self.events if event.order_id == order_id]
        return [(str(event.status), event.attempt, event.reason) for event in found]
