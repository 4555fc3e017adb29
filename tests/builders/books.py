"""Books of one account in one contract, with a flat margin for each unit short."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

from angel_x.domain.book.account import Account
from angel_x.domain.book.book import Book
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.exchange.charges import ChargeRates, charge_table
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.denial import DenialReason
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
from config.market import table
from tests.builders.risk import flat

RATES = charge_table(table("charges")["options"]["NSE"]).on(date(2026, 11, 23))
NO_CHARGES = ChargeRates(*[Decimal(0)] * 7)
PER_UNIT = Decimal(2700)
USER, SYMBOL = 1, "NIFTY_25AUG26_24050CE"
HELD = USER, SYMBOL, Product.NORMAL
_ids = count(1)


def order(
    side: Side,
    quantity: int = 65,
    limit: str | None = None,
    validity: Validity = Validity.DAY,
    symbol: str = SYMBOL,
) -> Order:
    order_id = next(_ids)
    return Order(
        id=order_id,
        user_id=USER,
        symbol=symbol,
        side=side,
        quantity=quantity,
        filled_quantity=0,
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        limit_price=None if limit is None else Decimal(limit),
        validity=validity,
        priority=Priority.NORMAL,
        status=OrderStatus.RECEIVED,
        valid_until=datetime(2026, 8, 25, 10, 10, tzinfo=UTC),
        client_order_id=f"c{order_id}",
    )


def terms(
    price: str | None,
    denial: DenialReason | None = None,
    rates: ChargeRates = NO_CHARGES,
    units: int = 65,
) -> Terms:
    at = None if price is None else Decimal(price)
    return Terms(at, rates, denial, 0 if at is None else units, at)


def book(cash: str = "1000000") -> Book:
    account = Account(USER, Decimal(cash), ZERO, ZERO)
    return Book({USER: account}, {}, {}, margins=MarginPools(sheet=flat(PER_UNIT)))


def repriced(book: Book, per_unit: Decimal) -> Book:
    """Return the book with another margin of a unit from now on."""
    return replace(book, margins=MarginPools(book.margins.held(), flat(per_unit)))


def totals(book: Book, account: LedgerAccount) -> Decimal:
    return sum((e.amount for e in book.entries if e.account is account), ZERO)


def partly(price: str, units: int, rates: ChargeRates = RATES, limit: str | None = None) -> Terms:
    """Offer fewer units than the order asks for."""
    at = Decimal(price)
    return Terms(at, rates, None, units, at if limit is None else Decimal(limit))
