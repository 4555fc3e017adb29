"""The matching engine: orders of clients by price and time, and the quotes of a market maker.

A maker stands on both sides of each contract with the size of its quote.  An order trades with
resting orders first where their price is better than the maker's, or the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import count

from angel_x.rehearsal.fake_exchange.listings import Listing

#: Fractions of the price that bound a converted order at market, by the first price above each slab.
#: Source: Angel One, market price protection of index options, 2026.
_MARKET_BANDS = ((10, "0.20"), (20, "0.10"), (50, "0.05"))
_WIDEST = "0.025"


class Status(StrEnum):
    """The status of an order, as the order book writes it."""

    RECEIVED = "put order req received"
    TRIGGER_PENDING = "trigger pending"
    OPEN = "open"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


#: Statuses of an order that can trade, be changed or be canceled.
ALIVE = frozenset({Status.RECEIVED, Status.TRIGGER_PENDING, Status.OPEN})


@dataclass(slots=True)
class Trade:
    """One execution of an order."""

    fill_id: str
    quantity: int
    price: Decimal
    time: str


@dataclass(slots=True)
class ExchangeOrder:
    """An order of a client."""

    order_id: str
    unique_id: str
    client_code: str
    listing: Listing
    variety: str
    order_type: str
    product: str
    duration: str
    is_buy: bool
    quantity: int
    #: Rupees; that of an order at market is its protection limit.
    price: Decimal
    trigger_price: Decimal
    tag: str
    status: Status = Status.RECEIVED
    text: str = ""
    #: Changes with every update.
    updated: str = ""
    trades: list[Trade] = field(default_factory=list)
    #: Orders at one price trade by this number.
    rank: int = 0
    #: Units that trade at once at most; None for all.
    slice: int | None = None

    @property
    def filled(self) -> int:
        return sum(trade.quantity for trade in self.trades)

    @property
    def left(self) -> int:
        return self.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        value = sum((trade.price * trade.quantity for trade in self.trades), Decimal(0))
        return value / self.filled if self.trades else Decimal(0)


@dataclass(slots=True)
class Quote:
    """The maker's quote of one contract, in rupees."""

    bid: Decimal
    ask: Decimal
    size: int
    last: Decimal


#: Called after every change of an order.
Changed = Callable[[ExchangeOrder], None]
#: Called with each price of a token, and the units that traded at it; none for a quote.
Priced = Callable[[str, Decimal, int], None]


class MatchingEngine:
    """Matches the orders of all clients."""

    def __init__(self, changed: Changed, time: Callable[[], str], priced: Priced) -> None:
        self._changed = changed
        self._priced = priced
        self._time = time
        self._ranks = count(1)
        self._fills = count(900_001)
        self.quotes: dict[str, Quote] = {}
        self._resting: dict[str, list[ExchangeOrder]] = {}

    def enter(self, order: ExchangeOrder) -> None:
        """Bring an order to the market: it waits for its trigger, trades, rests or is canceled."""
        order.rank = next(self._ranks)
        self._resting.setdefault(order.listing.token, []).append(order)
        is_stop = order.variety == "STOPLOSS"
        order.status = Status.TRIGGER_PENDING if is_stop else Status.OPEN
        self._changed(order)
        self._arrive(order)
        if order.duration == "IOC" and order.status in ALIVE:
            self.cancel(order)

    def amend(self, order: ExchangeOrder, quantity: int, price: Decimal, trigger: Decimal) -> None:
        """Change a resting order, which loses its place in time."""
        order.quantity, order.price, order.trigger_price = quantity, price, trigger
        order.rank = next(self._ranks)
        self._close_if_full(order)
        self._changed(order)
        self._arrive(order)

    def cancel(self, order: ExchangeOrder) -> None:
        """Take an order off the market."""
        order.status = Status.CANCELLED
        self._leave(order)
        self._changed(order)

    def quote(self, token: str, bid: Decimal, ask: Decimal, size: int) -> None:
        """Let the maker quote anew, which may trigger and trade resting orders."""
        self.quotes[token] = Quote(bid, ask, size, (bid + ask) / 2)
        self._priced(token, self.quotes[token].last, 0)
        self._match(token)

    def clear(self) -> None:
        """Take everything off the market, as at the end of a day."""
        self._resting.clear()
        self.quotes.clear()

    def protected_price(self, listing: Listing, *, is_buy: bool) -> Decimal:
        """Return the limit of an order at market; zero without a quote."""
        quote = self.quotes.get(listing.token)
        if quote is None:
            return Decimal(0)
        share = next((s for below, s in _MARKET_BANDS if quote.last < below), _WIDEST)
        width = quote.last * Decimal(share)
        price = quote.last + width if is_buy else quote.last - width
        ticks = (price / listing.tick_size).to_integral_value()
        return max(ticks * listing.tick_size, listing.tick_size)

    def _arrive(self, order: ExchangeOrder) -> None:
        self._trigger(order.listing.token)
        if order.status is Status.OPEN:
            self._trade(order)

    def _match(self, token: str) -> None:
        """Trade resting orders with the maker's new quote: the best price first, then by time."""
        self._trigger(token)
        for order in sorted(self._resting.get(token, ()), key=_place):
            if order.status is Status.OPEN:
                self._trade(order)

    def _trigger(self, token: str) -> None:
        quote = self.quotes.get(token)
        for order in self._resting.get(token, ()):
            if order.status is not Status.TRIGGER_PENDING or quote is None:
                continue
            sign = 1 if order.is_buy else -1
            if (quote.last - order.trigger_price) * sign >= 0:
                order.status = Status.OPEN
                self._changed(order)

    def _trade(self, order: ExchangeOrder) -> None:
        room = order.left if order.slice is None else min(order.left, order.slice)
        for price, most, other in self._offers(order):
            units = min(room, most)
            if not units:
                break
            room -= units
            # Both sides of a trade have its number.
            number = str(next(self._fills))
            self._priced(order.listing.token, price, units)
            self._execute(order, units, price, number)
            if other is None:
                self._take_from_maker(order, units)
            else:
                self._execute(other, units, price, number)

    def _offers(self, order: ExchangeOrder) -> Iterator[tuple[Decimal, int, ExchangeOrder | None]]:
        """Yield the other side, the best price first."""
        sign = 1 if order.is_buy else -1
        others: list[tuple[Decimal, int, ExchangeOrder | None]] = [
            (each.price, each.left, each)
            for each in sorted(self._resting[order.listing.token], key=lambda o: o.rank)
            if each.is_buy is not order.is_buy and each.status is Status.OPEN
        ]
        quote = self.quotes.get(order.listing.token)
        if quote is not None:
            others.append((quote.ask if order.is_buy else quote.bid, quote.size, None))
        for offer in sorted(others, key=lambda each: each[0] * sign):
            if (order.price - offer[0]) * sign >= 0:
                yield offer

    def _take_from_maker(self, order: ExchangeOrder, units: int) -> None:
        self.quotes[order.listing.token].size -= units

    def _execute(self, order: ExchangeOrder, units: int, price: Decimal, number: str) -> None:
        order.trades.append(Trade(number, units, price, self._time()))
        self._close_if_full(order)
        self._changed(order)

    def _close_if_full(self, order: ExchangeOrder) -> None:
        if order.left <= 0:
            order.status = Status.COMPLETE
            self._leave(order)

    def _leave(self, order: ExchangeOrder) -> None:
        resting = self._resting.get(order.listing.token, [])
        self._resting[order.listing.token] = [each for each in resting if each is not order]


def _place(order: ExchangeOrder) -> tuple[Decimal, int]:
    return (-order.price if order.is_buy else order.price), order.rank
