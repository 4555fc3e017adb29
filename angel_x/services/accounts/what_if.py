"""The margin estimate of orders that are not submitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from angel_x.domain.book.book import Book
from angel_x.domain.book.ledger import LedgerAccount, paid_cost
from angel_x.domain.book.margin_pool import MarginPool, Risks
from angel_x.domain.book.what_if import Estimate, what_if
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, OrderRequest, OrderStatus
from angel_x.domain.records.margin_record import MarginEstimate, OrderEstimate, UnderlyingEstimate
from angel_x.domain.values.money import ZERO
from angel_x.errors import UnknownAccount, UnknownContract
from angel_x.services.accounts.balances import margin_parts
from angel_x.services.intake.slicing import Slicing
from angel_x.services.ports import Clock, UniverseSource
from angel_x.services.trading.venue import Venue
from angel_x.services.units import Units


class WhatIf:
    """Estimates margin by the rules of the order decision; nothing is stored or locked."""

    def __init__(
        self,
        *,
        units: Units,
        venue: Venue,
        risks: Risks,
        universes: UniverseSource,
        slicing: Slicing,
        market_clock: Clock,
    ) -> None:
        self._units = units
        self._venue = venue
        self._risks = risks
        self._universes = universes
        self._slicing = slicing
        self._market_clock = market_clock

    def estimate(self, user_id: int, requests: Sequence[OrderRequest]) -> MarginEstimate:
        """Return the margin estimate of validated orders for an account.

        Without orders it is that of the book as it is.

        Raises:
            UnknownAccount: No account has this id.
            UnknownContract: A symbol is not listed any more.
        """
        now = self._market_clock()
        numbered = list(self._orders(user_id, requests, now))
        orders = [order for _, order in numbered]
        with self._units.begin() as unit:
            book = unit.holdings(user_id, {(r.symbol, r.product) for r in requests})
        if user_id not in book.accounts:
            raise UnknownAccount(f"no account has the id {user_id}")
        book.begin_day(now.astimezone(IST).date())
        book.take_risks(self._risks(book.margins.symbols))
        terms = self._venue.preview(orders)
        trial = what_if(book, orders, terms)
        offered = {number: t for (number, _), t in zip(numbered, terms, strict=True)}
        reasons = _reasons(numbered, trial)
        before, after = book.accounts[user_id], trial.book.accounts[user_id]
        return MarginEstimate(
            fits=not trial.refusals,
            initial_margin=after.margin_used - before.margin_used,
            premium=sum(
                (
                    paid_cost(f.order.symbol, -f.order.side.sign * f.price * f.quantity)
                    for f in trial.book.fills
                ),
                ZERO,
            ),
            charges=_charges(trial),
            margin_used=before.margin_used,
            margin_used_after=after.margin_used,
            free_balance=before.free_balance,
            free_balance_after=after.free_balance,
            orders=tuple(
                OrderEstimate(
                    symbol=request.symbol,
                    side=request.side,
                    quantity=request.quantity,
                    price=offered[number].limit_price,
                    reason=reasons.get(number),
                    margin_source=trial.book.margins.unit(request.symbol).source,
                )
                for number, request in enumerate(requests)
            ),
            underlyings=tuple(
                _underlying(name, book.pool(user_id, name), trial.book.pool(user_id, name))
                for name in _underlyings(requests, book)
            ),
        )

    def _orders(
        self, user_id: int, requests: Sequence[OrderRequest], now: datetime
    ) -> Iterator[tuple[int, Order]]:
        """Yield each order with the number of its request; a large request becomes several slices."""
        universe = self._universes.current()
        order_id = 0
        for number, request in enumerate(requests):
            row = universe.row(request.symbol)
            if row is None:  # unlisted since the request was checked
                raise UnknownContract("symbol", request.symbol)
            contract = universe.contracts[row]
            sizes = self._slicing.sizes(request.quantity, contract, now)
            for quantity in sizes or (request.quantity,):
                order_id += 1
                yield number, _order(order_id, user_id, request, quantity, contract.expires_at)


def _order(
    order_id: int, user_id: int, request: OrderRequest, quantity: int, valid_until: datetime
) -> Order:
    return Order(
        id=order_id,
        user_id=user_id,
        symbol=request.symbol,
        side=request.side,
        quantity=quantity,
        filled_quantity=0,
        order_type=request.order_type,
        limit_price=request.limit_price,
        validity=request.validity,
        priority=request.priority,
        status=OrderStatus.RECEIVED,
        valid_until=valid_until,
        client_order_id=request.client_order_id,
        product=request.product,
        trigger_price=request.trigger_price,
        parent_quantity=request.quantity,
    )


def _underlyings(requests: Sequence[OrderRequest], book: Book) -> list[str]:
    """Return the underlyings of the orders, or without orders those of the account."""
    symbols = [request.symbol for request in requests] or book.margins.symbols
    return sorted({underlying_of(symbol) for symbol in symbols})


def _underlying(name: str, before: MarginPool, after: MarginPool) -> UnderlyingEstimate:
    ends = margin_parts(after)
    return UnderlyingEstimate(
        underlying=name,
        before=margin_parts(before),
        after=ends,
        hedge_benefit=ends.hedge_benefit,
    )


def _reasons(numbered: Sequence[tuple[int, Order]], trial: Estimate) -> dict[int, DenialReason]:
    return {n: trial.refusals[o.id] for n, o in numbered if o.id in trial.refusals}


def _charges(trial: Estimate) -> Decimal:
    return sum((e.amount for e in trial.book.entries if e.account is LedgerAccount.CHARGES), ZERO)
