"""Opening positions and cash of an account, from another system.

An opening position has the cost of its units at their average price.  Its counterpart in the ledger is
``deposit``, like that of cash, so cash is what a file says it is.  Nobody has paid for a future, whose cost is in
no ledger account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.ledger import LedgerAccount, LedgerEntry, paid_cost
from angel_x.domain.book.margin_pool import Change
from angel_x.domain.book.position import Position
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.orders.order import Product, Side


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening position."""

    #: The row of its file, from one.
    row: int
    symbol: str
    product: Product
    #: Units, negative where they are short.
    quantity: int
    #: Rupees a unit, to the paisa.
    average_price: Decimal


@dataclass(frozen=True, slots=True)
class OpeningBook:
    """The contents of a file."""

    positions: tuple[Opening, ...]
    #: Rupees, to the paisa.
    cash: Decimal


def held_already(book: Book, user_id: int, openings: Iterable[Opening]) -> Opening | None:
    """Return the first opening whose contract the account holds or has orders in."""
    for each in openings:
        position = book.positions.get((user_id, each.symbol, each.product))
        exposure = book.exposures.get((user_id, each.symbol))
        if (position and not position.is_flat) or (exposure and exposure.is_open):
            return each
    return None


def open_book(book: Book, user_id: int, opening: OpeningBook) -> None:
    """Add opening positions and cash to an account that holds none of their contracts.

    The margin of short positions and of futures is held whatever is free; what is missing is a debit.  It is
    infinite where an underlying has no price.
    """
    account = book.accounts[user_id]
    for each in opening.positions:
        account.margin_used += _open(book, user_id, each)
    if opening.cash:
        account.cash += opening.cash
        book.entries += _deposit(user_id, LedgerAccount.CASH, opening.cash)
    account.debit = account.missing


def _open(book: Book, user_id: int, opening: Opening) -> Decimal:
    """Add one position; return the change of held margin in rupees."""
    symbol, units = opening.symbol, opening.quantity
    shift = book.pool(user_id, underlying_of(symbol)).shift(symbol, Change(net=units))
    exposure = book.exposures.setdefault((user_id, symbol), Exposure(user_id, symbol))
    exposure.net_quantity += units
    book.exposed.add((user_id, symbol))
    position = Position(user_id, symbol, opening.product)
    side = Side.BUY if units > 0 else Side.SELL
    cost = position.open(side, abs(units), opening.average_price)
    book.positions[user_id, symbol, opening.product] = position
    if paid := paid_cost(symbol, cost):
        book.entries += _deposit(user_id, LedgerAccount.POSITION, paid)
    return shift.cost


def _deposit(user_id: int, account: LedgerAccount, amount: Decimal) -> list[LedgerEntry]:
    return [
        LedgerEntry(user_id, None, account, amount),
        LedgerEntry(user_id, None, LedgerAccount.DEPOSIT, -amount),
    ]
