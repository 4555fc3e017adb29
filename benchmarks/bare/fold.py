"""What fills make of positions, closed trades and cash, for the bare loop."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class Place(NamedTuple):
    """An account, a contract and a product."""

    user_id: int
    symbol: str
    product: str


@dataclass(slots=True)
class Position:
    """One position of a place; ``id`` is None until it is stored."""

    id: int | None
    quantity: int
    cost: Decimal
    pnl: Decimal


class Trade(NamedTuple):
    """One closed quantity."""

    user_id: int
    symbol: str
    side: str
    quantity: int
    entry_price: Decimal
    exit_price: Decimal
    pnl: Decimal


class Fold:
    """What fills make of positions and accounts."""

    def __init__(self) -> None:
        self._begun: set[Place] = set()
        self.open: dict[Place, Position] = {}
        self.closed: list[tuple[Place, Position]] = []
        self.trades: list[Trade] = []
        self.cash: dict[int, Decimal] = {}
        self.pnl: dict[int, Decimal] = {}

    def hold(self, place: Place, position: Position | None) -> None:
        """Begin a place with its stored position; a second call changes nothing."""
        self.cash.setdefault(place.user_id, Decimal(0))
        self.pnl.setdefault(place.user_id, Decimal(0))
        if position is not None and place not in self._begun:
            self.open[place] = position
        self._begun.add(place)

    def fill(self, place: Place, signed: int, price: Decimal) -> None:
        """Add a fill; a purchase has a positive quantity."""
        self.cash[place.user_id] -= signed * price
        position = self.open.get(place)
        if position is not None and position.quantity * signed < 0:
            signed = self._close(place, position, signed, price)
        if signed:
            position = self.open.setdefault(place, Position(None, 0, Decimal(0), Decimal(0)))
            position.quantity += signed
            position.cost += signed * price

    def _close(self, place: Place, position: Position, signed: int, price: Decimal) -> int:
        """Close what a fill closes; return what of its quantity is left."""
        closed = min(abs(signed), abs(position.quantity))
        sign = 1 if signed > 0 else -1
        entry = position.cost / position.quantity
        released = round(entry * closed, 2)
        pnl = -sign * (price * closed - released)
        side = "SELL" if sign > 0 else "BUY"
        self.trades.append(Trade(place.user_id, place.symbol, side, closed, entry, price, pnl))
        self.pnl[place.user_id] += pnl
        position.quantity += sign * closed
        position.cost += sign * released
        position.pnl += pnl
        if position.quantity == 0:
            position.cost = Decimal(0)
            self.closed.append((place, self.open.pop(place)))
        return signed - sign * closed

    def nets(self) -> dict[tuple[int, str], int]:
        """Return the net quantity by account and contract of all that was touched."""
        nets = {(place.user_id, place.symbol): 0 for place, _ in self.closed}
        for place, position in self.open.items():
            key = place.user_id, place.symbol
            nets[key] = nets.get(key, 0) + position.quantity
        return nets
