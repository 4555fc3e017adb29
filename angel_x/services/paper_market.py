"""The paper exchange: what the cached quotes and the rules offer to a batch of orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import numpy as np

from angel_x.domain.book import Terms
from angel_x.domain.charges import ChargeRates
from angel_x.domain.contract import Contract
from angel_x.domain.dated import Dated
from angel_x.domain.denial import DenialReason
from angel_x.domain.margin import MarginModel
from angel_x.domain.matching import NO_LIMIT, fill_paise, touch_paise
from angel_x.domain.money import ZERO, paise, rupees
from angel_x.domain.order import Order, OrderType, Side
from angel_x.domain.quote import fresh
from angel_x.domain.session import IST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.universe import Universe
    from angel_x.services.ports import Clock, QuoteBoard, UniverseSource


class RestingOrder(Protocol):
    """An order that rests, reduced to what decides whether it trades."""

    @property
    def id(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def limit_price(self) -> Decimal: ...


class PaperMarket:
    """Prices whole batches: one read of the cache, then arrays."""

    def __init__(
        self,
        *,
        universes: UniverseSource,
        quotes: QuoteBoard,
        margin: MarginModel,
        charges: Dated[ChargeRates],
        clock: Clock,
        market_clock: Clock,
        max_quote_age_seconds: float,
    ) -> None:
        self._universes = universes
        self._quotes = quotes
        self._margin = margin
        self._charges = charges
        self._clock = clock
        self._market_clock = market_clock
        self._max_age = max_quote_age_seconds

    def terms(self, orders: Sequence[Order]) -> list[Terms]:
        """Return what each order is offered, in the order given."""
        universe, now = self._universes.current(), self._market_clock()
        today = now.astimezone(IST).date()
        charges = self._charges.on(today)
        rows = np.array([universe.rows.get(o.symbol, -1) for o in orders], np.int64)
        listed = rows >= 0
        if not listed.any():
            return [Terms(None, ZERO, charges, DenialReason.UNKNOWN_CONTRACT) for _ in orders]
        safe = np.where(listed, rows, 0)
        quotes, spots = self._quotes.read_rows_and_spots(universe, safe)
        fills, denials = self._fills(orders, quotes)
        margins, spot_is_trusted = self._margins(universe, safe, spots, today)
        expired = universe.expires_at[safe] <= now.timestamp()
        terms = []
        for i, order in enumerate(orders):
            denial = denials[i]
            if not listed[i]:
                denial = DenialReason.UNKNOWN_CONTRACT
            elif expired[i]:
                denial = DenialReason.CONTRACT_EXPIRED
            elif order.side is Side.SELL and not spot_is_trusted[i]:
                denial = DenialReason.STALE_QUOTE
            price = rupees(int(fills[i])) if fills[i] else None
            terms.append(Terms(price, margins[i], charges, denial))
        return terms

    def crossing(self, resting: Sequence[RestingOrder]) -> list[int]:
        """Return the ids of those orders that would trade now, in the order given."""
        universe = self._universes.current()
        listed = [order for order in resting if order.symbol in universe.rows]
        if not listed:
            return []
        rows = np.array([universe.rows[order.symbol] for order in listed], np.int64)
        quotes = self._quotes.read_rows(universe, rows)
        is_buy = np.array([order.side is Side.BUY for order in listed])
        limits = np.array([paise(order.limit_price) for order in listed], np.int64)
        prices = fill_paise(touch_paise(quotes, is_buy), is_buy, limits)
        crosses = (prices > 0) & fresh(quotes, self._now_ms(), self._max_age)
        return [listed[i].id for i in np.flatnonzero(crosses)]

    def _fills(
        self, orders: Sequence[Order], quotes: NDArray[np.void]
    ) -> tuple[NDArray[np.int64], list[DenialReason | None]]:
        """Return fill prices in paise and, for orders at market without one, the reason."""
        is_buy = np.array([o.side is Side.BUY for o in orders])
        at_market = np.array([o.order_type is OrderType.MARKET for o in orders])
        is_fresh = fresh(quotes, self._now_ms(), self._max_age)
        touch = np.where(is_fresh, touch_paise(quotes, is_buy), 0)
        fills = fill_paise(touch, is_buy, np.array([_limit_paise(o) for o in orders], np.int64))
        no_price = np.where(
            is_fresh | (quotes["time"] == 0), DenialReason.NO_QUOTE, DenialReason.STALE_QUOTE
        )
        unfilled = at_market & (fills == 0)
        return fills, [
            DenialReason(reason) if stuck else None
            for stuck, reason in zip(unfilled, no_price, strict=True)
        ]

    def _margins(
        self,
        universe: Universe,
        rows: NDArray[np.int64],
        spots: NDArray[np.void],
        today: date,
    ) -> tuple[list[Decimal], NDArray[np.bool_]]:
        """Return rupees of margin a short unit, and whether the spot behind it can be trusted."""
        underlying = universe.underlying_index[rows]
        spot_paise = spots["last"][underlying]
        known: dict[tuple[int, date], Decimal] = {}
        margins = []
        for row, spot in zip(rows.tolist(), spot_paise.tolist(), strict=True):
            contract: Contract = universe.contracts[row]
            key = spot, contract.expiry
            if key not in known:
                known[key] = self._margin.per_short_unit(contract, rupees(spot), today)
            margins.append(known[key])
        # A spot of nothing would let shorts stand on no margin at all.
        trusted = fresh(spots, self._now_ms(), self._max_age) & (spots["last"] > 0)
        return margins, trusted[underlying]

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _limit_paise(order: Order) -> int:
    if order.limit_price is not None:
        return paise(order.limit_price)
    return NO_LIMIT if order.side is Side.BUY else 0
