"""A position: the fold of the fills of one account in one contract and product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from angel_x.domain.orders.order import Product, Side
from angel_x.domain.values.money import ZERO, to_paisa


@dataclass(frozen=True, slots=True)
class Closing:
    """The closing part of a fill: one round trip."""

    #: The side that opened the position.
    side: Side
    #: Units.
    quantity: int
    #: Rupees a unit, averaged over the closed units.
    entry_price: Decimal
    exit_price: Decimal
    #: Rupees, before charges.
    realised_pnl: Decimal
    #: When the position was opened; None where that happened in the same batch.
    entry_time: datetime | None


@dataclass(slots=True)
class Position:
    """Signed units and their signed cost: paid for a long position, received for a short one."""

    user_id: int
    symbol: str
    product: Product
    quantity: int = 0
    #: Signed rupees; has the sign of ``quantity``.
    cost: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    #: The id of the stored row; None for a position opened in this batch.
    id: int | None = None
    entry_time: datetime | None = None

    @property
    def is_flat(self) -> bool:
        return self.quantity == 0

    def open(self, side: Side, quantity: int, price: Decimal) -> Decimal:
        """Add units on the position's own side; return the change of cost in rupees."""
        value = side.sign * quantity * price
        self.quantity += side.sign * quantity
        self.cost += value
        return value

    def close(self, side: Side, quantity: int, price: Decimal) -> Closing:
        """Close at most the held units with a fill of the other side.

        The cost of the closed units is the average, rounded to the paisa; the last unit takes the
        remainder, so the cost of a flat position is exactly zero.
        """
        held = abs(self.quantity)
        cost_closed = self.cost if quantity == held else to_paisa(self.cost * quantity / held)
        realised = -side.sign * quantity * price - cost_closed
        self.quantity += side.sign * quantity
        self.cost -= cost_closed
        self.realised_pnl += realised
        return Closing(
            side=Side.SELL if side is Side.BUY else Side.BUY,
            quantity=quantity,
            entry_price=abs(cost_closed) / quantity,
            exit_price=price,
            realised_pnl=realised,
            entry_time=self.entry_time,
        )
