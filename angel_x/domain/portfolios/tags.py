"""The positions and the P&L of each tag of orders, as if each tag were a book of its own.

A fill closes units of its own tag only.  A settlement closes the units of every tag, and its charges
are shared by the units on the side that the account settles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from angel_x.domain.book.position import Position
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.orders.order import Side
from angel_x.domain.portfolios.history import AccountMove, History
from angel_x.domain.portfolios.pnl import charges_of
from angel_x.domain.values.money import ZERO, to_paisa


@dataclass(slots=True)
class TagBook:
    """One tag; amounts are rupees, realised P&L before charges."""

    history: History = field(default_factory=History)
    realised_average_cost: Decimal = ZERO
    realised_fifo: Decimal = ZERO
    charges: Decimal = ZERO

    @property
    def positions(self) -> list[Position]:
        """Open positions by average cost."""
        return [p for p in self.history.positions.values() if not p.is_flat]

    def add(self, move: AccountMove, charges: Decimal) -> None:
        """Fold one move in."""
        for realised in self.history.fold([move]):
            self.realised_average_cost += realised.average_cost
            self.realised_fifo += realised.fifo
        self.charges += charges

    def units(self, move: AccountMove) -> int:
        """Return the units that the tag holds of the contract and product of a move."""
        position = self.history.positions.get((move.symbol, move.product))
        return 0 if position is None else position.quantity


def books_by_tag(moves: Iterable[AccountMove], tariff: Tariff) -> dict[str, TagBook]:
    """Return the book of each tag, empty text for orders without one; ``moves`` are oldest first.

    Raises:
        LookupError: No charges are known for a day.
    """
    books: dict[str, TagBook] = {}
    for move in moves:
        charges = charges_of(move, tariff)
        if not move.settles:
            books.setdefault(move.tag or "", TagBook()).add(move, charges)
            continue
        for book, part, share in _settled(move, charges, books.values()):
            book.add(part, share)
    return books


def _settled(
    move: AccountMove, charges: Decimal, books: Iterable[TagBook]
) -> Iterator[tuple[TagBook, AccountMove, Decimal]]:
    """Yield the part of each book in a settlement: the fill that closes it, and its charges."""
    held = [(book, units) for book in books if (units := book.units(move))]
    sharing = move.quantity and sum(abs(u) for _, u in held if u * move.side.sign < 0)
    left = charges
    for book, units in held:
        is_sharing = units * move.side.sign < 0
        share = to_paisa(charges * abs(units) / sharing) if is_sharing else ZERO
        sharing_left = min(share, left)
        left -= sharing_left
        side = Side.SELL if units > 0 else Side.BUY
        yield book, replace(move, side=side, quantity=abs(units)), sharing_left
    if held and left:
        held[0][0].charges += left
