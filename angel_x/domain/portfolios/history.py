"""The history of an account as moves of positions, and its fold: positions and P&L.

Average cost is the convention of the book and of every stored amount: a closing fill takes the average
cost of the held units.  First in, first out (FIFO) closes the oldest units first; it is the convention of
tax returns in India.  Both agree once a position is flat.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from angel_x.domain.book.position import Position
from angel_x.domain.orders.order import Product, Side
from angel_x.domain.values.money import ZERO


@dataclass(frozen=True, slots=True)
class AccountMove:
    """One fill, an opening as the fill that made it, or a settlement as the fill that closes the position."""

    day: date
    symbol: str
    product: Product
    #: The tag of the order, None without one, for openings and for settlements.
    tag: str | None
    side: Side
    quantity: int
    #: Rupees a unit.
    price: Decimal
    #: Rupees that its order had traded before.
    traded_before: Decimal
    #: Booked charges of a settlement or an opening, None for a fill.
    charges: Decimal | None
    settles: bool = False


@dataclass(frozen=True, slots=True)
class RealisedMove:
    """A move with the P&L that it realised by both conventions, before charges."""

    move: AccountMove
    average_cost: Decimal
    fifo: Decimal


@dataclass(slots=True)
class _Lots:
    """Open units in the order of their opening: signed quantity and price."""

    open: deque[tuple[int, Decimal]] = field(default_factory=deque)

    def trade(self, quantity: int, price: Decimal) -> Decimal:
        """Close the oldest units of the other side, open the rest; return the realised P&L."""
        realised = ZERO
        while quantity and self.open and self.open[0][0] * quantity < 0:
            held, entry = self.open.popleft()
            closed = min(abs(held), abs(quantity)) * (1 if held > 0 else -1)
            realised += (price - entry) * closed
            quantity += closed
            if held != closed:
                self.open.appendleft((held - closed, entry))
        if quantity:
            self.open.append((quantity, price))
        return realised


@dataclass(slots=True)
class History:
    """The fold of the moves so far."""

    #: By contract and product; flat ones stay, with their realised P&L.
    positions: dict[tuple[str, Product], Position] = field(default_factory=dict)
    _lots: dict[tuple[str, Product], _Lots] = field(default_factory=dict)

    def fold(self, moves: Iterable[AccountMove]) -> Iterator[RealisedMove]:
        """Fold moves in, oldest first, and yield each with its realised P&L."""
        for move in moves:
            place = move.symbol, move.product
            position = self.positions.setdefault(place, Position(0, *place))
            lots = self._lots.setdefault(place, _Lots())
            fifo = lots.trade(move.side.sign * move.quantity, move.price)
            yield RealisedMove(move, _fold(position, move), fifo)

    @property
    def realised_pnl(self) -> Decimal:
        """Realised P&L by average cost, in rupees before charges."""
        return sum((p.realised_pnl for p in self.positions.values()), ZERO)


def _fold(position: Position, move: AccountMove) -> Decimal:
    """Fold a move into a position by average cost; return the realised P&L."""
    closing, realised = 0, ZERO
    if position.quantity * move.side.sign < 0:
        closing = min(move.quantity, abs(position.quantity))
        realised = position.close(move.side, closing, move.price).realised_pnl
    if move.quantity > closing:
        position.open(move.side, move.quantity - closing, move.price)
    return realised
