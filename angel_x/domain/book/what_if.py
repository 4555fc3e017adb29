"""The estimate of orders: they are folded into a copy of the book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, Side


@dataclass(frozen=True, slots=True)
class Estimate:
    """The book after the orders of an estimate, and the reasons of refused ones."""

    book: Book
    #: By order id.
    refusals: dict[int, DenialReason]


def what_if(book: Book, orders: Sequence[Order], terms: Sequence[Terms]) -> Estimate:
    """Fold orders into a copy of the book, purchases first, as if each traded in full at its limit.

    Purchases hedge and pay premium, sales need margin and receive premium; trades at the limits are the
    least favorable ones.  ``book`` and ``orders`` are not changed.
    """
    trial = Book(
        {key: replace(account) for key, account in book.accounts.items()},
        {key: replace(exposure) for key, exposure in book.exposures.items()},
        {key: replace(position) for key, position in book.positions.items()},
        book.rules,
        MarginPools(book.margins.held(), book.margins.sheet, set(book.margins.symbols)),
    )
    pairs = sorted(zip(orders, terms, strict=True), key=lambda pair: pair[0].side is Side.SELL)
    for order, offered in pairs:
        trial.decide(replace(order), _in_full(order, offered))
    refused = (m for m in trial.moves if m.status is OrderStatus.DENIED and m.reason is not None)
    return Estimate(trial, {move.order.id: DenialReason(move.reason or "") for move in refused})


def _in_full(order: Order, terms: Terms) -> Terms:
    limit = terms.limit_price
    return replace(
        terms,
        fill_price=limit,
        fill_quantity=order.leaves_quantity if limit else 0,
        triggered=True,
    )
