"""An account, and its exposure in each contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.orders.order import Side
from angel_x.domain.values.money import ZERO


@dataclass(slots=True)
class Account:
    """Cash and margin, in rupees."""

    id: int
    cash: Decimal
    collateral: Decimal
    #: Margin of short positions and resting sales, and premium reserved for resting purchases.
    margin_used: Decimal
    realised_pnl: Decimal = ZERO
    #: Orders in the market or on their way there.
    open_orders: int = 0
    #: The trading day of ``day_pnl``, in India.
    pnl_day: date | None = None
    #: Rupees realised on that day, less charges.
    day_pnl: Decimal = ZERO
    #: Rupees that a settlement took beyond cash and collateral that are free; None as it is stored.
    debit: Decimal | None = None

    def begin_day(self, day: date) -> None:
        """Reset ``day_pnl`` on a new trading day."""
        if self.pnl_day != day:
            self.pnl_day, self.day_pnl = day, ZERO

    @property
    def free_balance(self) -> Decimal:
        return self.cash + self.collateral - self.margin_used


@dataclass(slots=True)
class Exposure:
    """The position and the resting units of one account in one contract."""

    user_id: int
    symbol: str
    net_quantity: int = 0
    #: Units of resting purchases.
    open_buy_quantity: int = 0
    #: Units of resting sales.
    open_sell_quantity: int = 0

    @property
    def worst_quantity(self) -> int:
        """Units, negative where short, if every resting sale trades and no resting purchase does."""
        return self.net_quantity - self.open_sell_quantity

    def offer(self, side: Side, change: int) -> None:
        """Add ``change`` to the resting units of one side."""
        if side is Side.BUY:
            self.open_buy_quantity += change
        else:
            self.open_sell_quantity += change
