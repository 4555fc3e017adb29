"""An account, and its exposure in each contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from angel_x.domain.orders.order import Side
from angel_x.domain.values.money import ZERO, to_paisa


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
    #: Rupees that a settlement or a closing order took beyond cash and collateral that are free; None as
    #: it is stored.
    debit: Decimal | None = None
    #: Unrealised P&L at the opening of the market's day.
    opening_pnl: Decimal = ZERO
    #: Unrealised P&L now, and the part of it that is of short positions and futures; not
    #: stored.
    unrealised: Decimal = field(default=ZERO, compare=False)
    short_pnl: Decimal = field(default=ZERO, compare=False)

    @property
    def day_result(self) -> Decimal:
        """Rupees earned since the day's opening: realised less charges, and the change of open P&L."""
        return self.day_pnl + self.unrealised - self.opening_pnl

    def begin_day(self, day: date) -> None:
        """Reset ``day_pnl`` on a new trading day."""
        if self.pnl_day != day:
            self.pnl_day, self.day_pnl = day, ZERO

    @property
    def missing(self) -> Decimal:
        """Rupees by which margin and reserves exceed cash and collateral."""
        return max(self.margin_used - self.cash - self.collateral, ZERO)

    @property
    def funds(self) -> Decimal:
        """Cash and collateral in rupees, less the open loss of short positions and futures.

        Open gains are no cash, and a long option is paid in full, so neither counts.
        """
        return self.cash + self.collateral + to_paisa(min(self.short_pnl, ZERO))

    @property
    def free_balance(self) -> Decimal:
        """Funds that no margin holds and no order reserves."""
        return self.funds - self.margin_used


@dataclass(frozen=True, slots=True)
class Mark:
    """The last marking of an account to the market."""

    #: The market's day in India.
    day: date
    #: Unrealised P&L in rupees, at the opening of that day and at the marking.
    opening_pnl: Decimal
    unrealised: Decimal

    def opening_of(self, day: date) -> Decimal:
        """Return the unrealised P&L at the opening of a day: before the first marking, the last one's."""
        return self.opening_pnl if day <= self.day else self.unrealised


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
    def is_open(self) -> bool:
        return self.net_quantity != 0 or self.rests

    @property
    def rests(self) -> bool:
        """True while orders in the contract rest."""
        return bool(self.open_buy_quantity or self.open_sell_quantity)

    @property
    def units(self) -> tuple[int, int, int]:
        """Units of the position, of resting purchases and of resting sales."""
        return self.net_quantity, self.open_buy_quantity, self.open_sell_quantity

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
