"""Matching the orders that rest, once the market has come to their price."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import numpy as np

from angel_x.domain.matching import fill_paise, touch_paise
from angel_x.domain.money import paise
from angel_x.domain.order import RESTING, Side
from angel_x.domain.quote import fresh
from angel_x.services.aftermath import Aftermath
from angel_x.services.paper_market import PaperMarket
from angel_x.services.ports import Clock, QuoteBoard, UniverseSource
from angel_x.services.units import Units

_AT_A_TIME = 250


class RestingOrder(Protocol):
    """An order that rests, reduced to what matching looks at."""

    @property
    def id(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def limit_price(self) -> Decimal: ...


class RestingOrders(Protocol):
    """Finds the orders that rest."""

    def resting(self) -> Sequence[RestingOrder]:
        """Return all of them, oldest first."""


class Matching:
    """Trades resting orders.  A second call trades only what the market reached since."""

    def __init__(
        self,
        *,
        search: RestingOrders,
        units: Units,
        market: PaperMarket,
        quotes: QuoteBoard,
        universes: UniverseSource,
        aftermath: Aftermath,
        clock: Clock,
        max_quote_age_seconds: float,
    ) -> None:
        self._search = search
        self._units = units
        self._market = market
        self._quotes = quotes
        self._universes = universes
        self._aftermath = aftermath
        self._clock = clock
        self._max_age = max_quote_age_seconds

    def run(self) -> int:
        """Look at every resting order and trade those that cross; return how many."""
        crossing = self._crossing(self._search.resting())
        return sum(
            self._match(crossing[i : i + _AT_A_TIME]) for i in range(0, len(crossing), _AT_A_TIME)
        )

    def _crossing(self, resting: Sequence[RestingOrder]) -> list[int]:
        """Return, without any lock, the orders that would trade now: one read, then arrays."""
        universe = self._universes.current()
        listed = [order for order in resting if order.symbol in universe.rows]
        if not listed:
            return []
        rows = np.array([universe.rows[order.symbol] for order in listed], np.int64)
        quotes = self._quotes.read_rows(universe, rows)
        is_buy = np.array([order.side is Side.BUY for order in listed])
        limits = np.array([paise(order.limit_price) for order in listed], np.int64)
        now_ms = int(self._clock().timestamp() * 1000)
        prices = fill_paise(touch_paise(quotes, is_buy), is_buy, limits)
        crosses = (prices > 0) & fresh(quotes, now_ms, self._max_age)
        return [listed[i].id for i in np.flatnonzero(crosses)]

    def _match(self, order_ids: Sequence[int]) -> int:
        with self._units.begin() as unit:
            accounts = unit.lock_owners(order_ids)
            orders, book = unit.orders(accounts, order_ids, RESTING)
            if not orders:
                return 0
            for order, terms in zip(orders, self._market.terms(orders), strict=True):
                book.match(order, terms)
            unit.record(book, "matching")
            unit.commit()
        self._aftermath.tell(book)
        return len(book.fills)
