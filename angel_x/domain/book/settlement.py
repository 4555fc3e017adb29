"""Cash settlement of expired options and futures at the closing value of their index.

A long option in the money is exercised: its holder receives the intrinsic value and pays the
securities transaction tax of an exercise on it.  No other charge is due.  An option out of the money
ends at zero.  A future ends at the closing value, without a charge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from angel_x.domain.book.book import Book
from angel_x.domain.book.ledger import fill_entries, paid_cost
from angel_x.domain.book.position import Position
from angel_x.domain.book.settled import SettledPosition
from angel_x.domain.contracts.contract import Right, is_future, parse_expiry, parse_symbol
from angel_x.domain.orders.order import Side
from angel_x.domain.values.money import ZERO, to_paisa


class PriceSource(StrEnum):
    """Sources of a final settlement price, the most trusted first."""

    EXCHANGE = "exchange"
    FEED = "feed"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Expiry:
    """The contracts of an underlying that expire on one day."""

    underlying: str
    day: date

    def __str__(self) -> str:
        return f"{self.underlying} {self.day.isoformat()}"

    def holds(self, symbol: str) -> bool:
        """Return whether a contract is one of them."""
        return parse_expiry(symbol) == (self.underlying, self.day)


@dataclass(frozen=True, slots=True)
class DueExpiry:
    """An expiry that is over, with open positions."""

    expiry: Expiry
    #: The close of its last session, UTC.
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementPrice:
    """The closing value of an index on an expiry day, as one source reports it."""

    expiry: Expiry
    #: Rupees.
    price: Decimal
    source: PriceSource
    actor: str


@dataclass(frozen=True, slots=True)
class IndexLevel:
    """An index at a market time."""

    #: Rupees.
    level: Decimal
    at: datetime


def intrinsic_value(symbol: str, index: Decimal) -> Decimal:
    """Return the intrinsic value of one unit in rupees; that of a future is the index itself."""
    if is_future(symbol):
        return index
    *_, strike, right = parse_symbol(symbol)
    return max(index - strike if right is Right.CALL else strike - index, ZERO)


def settle_account(book: Book, user_id: int, price: SettlementPrice, tax: Decimal) -> None:
    """Close the positions of an account in the contracts of an expiry, and release their margin.

    ``tax`` is the rate of the securities transaction tax on an exercise.  A loss is taken from the
    cash of the account even beyond the free balance; the shortage is its debit.
    """
    held = [p for p in book.positions.values() if p.user_id == user_id]
    expired = [p for p in held if price.expiry.holds(p.symbol)]
    for position in expired:
        _settle(book, position, price, tax)
    if expired:
        account = book.accounts[user_id]
        account.margin_used += book.pool(user_id, price.expiry.underlying).lower()
        account.debit = account.missing


def _settle(book: Book, position: Position, price: SettlementPrice, tax: Decimal) -> None:
    quantity, value = position.quantity, intrinsic_value(position.symbol, price.price)
    is_exercised = quantity > 0 and not is_future(position.symbol)
    charges = to_paisa(value * quantity * tax) if is_exercised else ZERO
    cost = position.cost
    closing = position.close(Side.SELL if quantity > 0 else Side.BUY, abs(quantity), value)
    entries, cash = fill_entries(
        position.user_id,
        None,
        cost_change=paid_cost(position.symbol, -cost),
        realised=closing.realised_pnl,
        charges=charges,
    )
    account = book.accounts[position.user_id]
    account.cash += cash
    account.realised_pnl += closing.realised_pnl
    account.day_pnl += closing.realised_pnl - charges
    exposure = book.exposures[position.user_id, position.symbol]
    exposure.net_quantity -= quantity
    book.exposed.add((position.user_id, position.symbol))
    book.entries += entries
    book.trades.append((position.user_id, position.symbol, closing))
    del book.positions[position.user_id, position.symbol, position.product]
    book.flattened.append(position)
    book.settled.append(
        SettledPosition(
            user_id=position.user_id,
            symbol=position.symbol,
            expiry=price.expiry.day,
            product=position.product,
            quantity=quantity,
            index=price.price,
            price=value,
            realised_pnl=closing.realised_pnl,
            charges=charges,
        )
    )
