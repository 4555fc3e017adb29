"""A position: the fold of the fills of one account in one contract and product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from angel_x.domain.orders.order import Product, Side
from angel_x.domain.values.money import ZERO, to_paisa


@dataclass(frozen=True, slots=True)
class Closing:
    """The part of a fill that closed something: one round trip."""

    #: The side that had opened the position.
    side: Side
    #: Units.
    quantity: int
    #: Rupees a unit, averaged over what was closed.
    entry_price: Decimal
    exit_price: Decimal
    #: Rupees, before charges.
    realised_pnl: Decimal
    #: When the position was opened; None where that happened in the same batch.
    entry_time: datetime | None


@dataclass(slots=True)
class Position:
    """Signed units and what they cost: a long position cost money, a short one brought some in."""

    user_id: int
    symbol: str
    product: Product
    quantity: int = 0
    #: Signed rupees; has the sign of ``quantity``.
    cost: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    #: The stored row; None for one that was opened in this batch.
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
        """Take units off with a fill of the other side, at most as many as there are.

        The cost of what is closed is the average, rounded to the paisa; the last unit takes the
        remainder along, so a flat position has cost exactly nothing.
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
