"""The estimate of orders: they are folded into a copy of the book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.book.open_pnl import OpenPnl
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, Side
from angel_x.domain.values.money import ZERO

#: Rupees that cover the needs of any order, but not those of one whose margin is unknown.
_PLENTY = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class Estimate:
    """The book after the orders of an estimate, and the reasons of refused orders."""

    book: Book
    #: By order id.
    refusals: dict[int, DenialReason]


def what_if(book: Book, orders: Sequence[Order], terms: Sequence[Terms]) -> Estimate:
    """Fold orders into a copy of the book, purchases first, as if each traded in full at its limit.

    Purchases hedge and pay premium, sales need margin and receive premium; trades at the limits are the
    least favorable ones.  Orders that only the free balance does not allow are refused, and folded
    in all the same, so that the estimate shows their needs.  ``book`` and ``orders`` are not changed.
    """
    pairs = sorted(zip(orders, terms, strict=True), key=lambda pair: pair[0].side is Side.SELL)
    trial = _folded(book, pairs, ZERO)
    refusals = _refusals(trial)
    if DenialReason.INSUFFICIENT_MARGIN in refusals.values():
        trial = _folded(book, pairs, _PLENTY)
        refusals = _refusals(trial) | refusals
    return Estimate(trial, refusals)


def _folded(book: Book, pairs: Sequence[tuple[Order, Terms]], credit: Decimal) -> Book:
    """Fold orders into a copy of the book, while its accounts have ``credit`` rupees more."""
    # Orders change the contracts that they are in and no others, which need no copy.
    symbols = {order.symbol for order, _ in pairs}
    trial = Book(
        {k: replace(a, collateral=a.collateral + credit) for k, a in book.accounts.items()},
        {key: replace(e) if key[1] in symbols else e for key, e in book.exposures.items()},
        {key: replace(p) if key[1] in symbols else p for key, p in book.positions.items()},
        book.rules,
        MarginPools(book.margins.held(), book.margins.sheet, set(book.margins.symbols)),
        open_pnl=OpenPnl(dict(book.open_pnl.costs)),
    )
    trial.take_risks(book.margins.sheet)
    for order, offered in pairs:
        trial.decide(replace(order), _in_full(order, offered))
    for account in trial.accounts.values():
        account.collateral -= credit
    return trial


def _refusals(trial: Book) -> dict[int, DenialReason]:
    refused = (m for m in trial.moves if m.status is OrderStatus.DENIED and m.reason is not None)
    return {move.order.id: DenialReason(move.reason or "") for move in refused}


def _in_full(order: Order, terms: Terms) -> Terms:
    limit = terms.limit_price
    return replace(
        terms,
        fill_price=limit,
        fill_quantity=order.leaves_quantity if limit else 0,
        triggered=True,
    )
