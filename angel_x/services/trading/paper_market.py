"""The paper exchange: the terms of a batch of orders from cached quotes and rules.

An order that is refused after its terms were computed keeps its share of the displayed size until the
quote changes: less than the displayed size may be traded, never more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.exchange.matching import (
    crosses,
    touch_paise,
    traded_paise,
    triggered,
)
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import PLACED, Order, OrderStatus
from angel_x.domain.orders.order_types import LIMITED
from angel_x.domain.quotes.liquidity import LiquidityBoard
from angel_x.domain.values.money import rupees
from angel_x.services.trading.displayed_size import DisplayedSize, FindMarketable
from angel_x.services.trading.market_look import OUTSIDE, Look, MarketReader
from angel_x.services.trading.paper_rules import PaperRules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.services.ports import Clock, QuoteBoard, UniverseSource
    from angel_x.services.trading_hours import TradingHours

#: Denials by their code in arrays; code zero is none.
_REASONS = (
    None,
    DenialReason.UNKNOWN_CONTRACT,
    DenialReason.CONTRACT_EXPIRED,
    DenialReason.STALE_QUOTE,
    DenialReason.NO_QUOTE,
    DenialReason.PRICE_BAND,
)
_CODES = {reason: code for code, reason in enumerate(_REASONS)}


@dataclass(frozen=True, slots=True)
class _Batch:
    """The orders of one call, and how they meet the market."""

    orders: Sequence[Order]
    #: Whether the limit of each order is checked against the price band.
    checked: NDArray[np.bool_]
    #: Whether each order rests in the market.
    rests: NDArray[np.bool_]
    #: Whether the trigger of each order is new to the market.
    is_new: NDArray[np.bool_]


class PaperMarket:
    """Computes terms of whole batches, with one read of quotes and one call of the liquidity board."""

    def __init__(
        self,
        *,
        universes: UniverseSource,
        quotes: QuoteBoard,
        liquidity: LiquidityBoard,
        find_marketable: FindMarketable,
        rules: Callable[[], PaperRules],
        clock: Clock,
        market_clock: Clock,
        hours: TradingHours,
    ) -> None:
        self._reader = MarketReader(universes, quotes, clock, market_clock)
        self._size = DisplayedSize(liquidity, find_marketable, market_clock)
        self._read_rules = rules
        self._market_clock = market_clock
        self._hours = hours

    @property
    def _rules(self) -> PaperRules:
        """The rules in force."""
        return self._read_rules()

    def terms(self, orders: Sequence[Order], *, are_amended: bool = False) -> list[Terms]:
        """Return the terms of each order, in the given order; the displayed size is taken.

        Orders in the market trade at their own limit, amended ones like those that come in.
        """
        checked = [o.status in OUTSIDE and o.order_type in LIMITED for o in orders]
        rests = [o.status not in OUTSIDE and not are_amended for o in orders]
        is_new = [o.status is not OrderStatus.TRIGGER_PENDING for o in orders]
        columns = (np.array(facts, np.bool_) for facts in (checked, rests, is_new))
        return self._terms(_Batch(orders, *columns))

    def preview(self, orders: Sequence[Order]) -> list[Terms]:
        """Return the terms of each order if it arrived now; nothing trades or is taken.

        For orders that are sent to the market and for amended orders: every limit is checked against
        the price band.
        """
        all_of, none_of = np.ones(len(orders), np.bool_), np.zeros(len(orders), np.bool_)
        return self._terms(_Batch(orders, all_of, none_of, all_of), trades=False)

    @property
    def has_latency(self) -> bool:
        """Return whether orders have a latency."""
        return not self._rules.latency.is_none

    def latency_seconds(self, orders: Sequence[Order]) -> float:
        """Return how long these orders are on their way; the same orders always take as long."""
        ids = np.array([o.id for o in orders], np.int64)
        return self._rules.latency.seconds(ids, np.array([o.attempt for o in orders], np.int64))

    def _terms(self, batch: _Batch, *, trades: bool = True) -> list[Terms]:
        orders = batch.orders
        # Orders whose margin is held already need no spot.
        unheld = np.array([not trades or o.status not in PLACED for o in orders], np.bool_)
        look = self._reader.look(orders, self._rules.max_quote_age_seconds)
        if look is None:
            charges = self._charges(orders, self._market_clock().astimezone(IST).date())
            return [Terms(None, charges[o.symbol], DenialReason.UNKNOWN_CONTRACT) for o in orders]
        at_market = look.orders["limit"] == 0
        self._protect(look, at_market)
        alive = triggered(look.orders, np.where(look.is_fresh, look.quotes["last"], 0))
        if trades and not self._hours.is_open():
            # Amended outside of a session: it stands, and no stop is triggered.
            alive &= ~look.orders["is_stopped"]
            trades = False
        touch = np.where(look.is_fresh, touch_paise(look.quotes, look.orders["is_buy"]), 0)
        denials = self._denials(look, touch, at_market, batch.checked & alive, unheld)
        tradable = alive & (denials == 0) & crosses(look.orders, touch)
        # Without marketable orders the liquidity board is not called.
        if trades and tradable.any():
            quantities = self._size.take(look, touch, tradable, orders, batch.rests)
            prices = self._prices(look, touch, quantities, batch.rests)
        else:
            quantities = prices = np.zeros(len(orders), np.int64)
        passed = alive & look.orders["is_stopped"] & batch.is_new
        return self._written(orders, look, denials, alive, passed, quantities, prices)

    def _protect(self, look: Look, at_market: NDArray[np.bool_]) -> None:
        """Give orders at market the limit that protects them."""
        if at_market.any():
            orders = look.orders[at_market]
            band = self._rules.protection.market_orders.on(look.today)
            tick = look.universe.tick_paise[orders["row"]].astype(np.int64)
            look.orders["limit"][at_market] = band.limits(
                look.reference[at_market], tick, orders["is_buy"]
            )

    def _denials(
        self,
        look: Look,
        touch: NDArray[np.int64],
        at_market: NDArray[np.bool_],
        checked: NDArray[np.bool_],
        unheld: NDArray[np.bool_],
    ) -> NDArray[np.int8]:
        """Return the denial code of each order.  A later assignment replaces an earlier one."""
        denials = np.zeros(len(look.orders), np.int8)
        denials[checked & ~at_market & self._outside_band(look)] = _CODES[DenialReason.PRICE_BAND]
        denials[at_market & (touch == 0)] = _CODES[DenialReason.NO_QUOTE]
        is_stale = ~look.is_fresh & (look.quotes["time"] != 0)
        needs_spot = ~look.orders["is_buy"] | look.is_future
        no_spot = unheld & needs_spot & ~look.spot_is_trusted
        denials[at_market & is_stale | no_spot] = _CODES[DenialReason.STALE_QUOTE]
        denials[look.is_expired] = _CODES[DenialReason.CONTRACT_EXPIRED]
        denials[~look.is_listed] = _CODES[DenialReason.UNKNOWN_CONTRACT]
        return denials

    def _outside_band(self, look: Look) -> NDArray[np.bool_]:
        """Return which limits the exchange would not take; all pass where it has no reference."""
        protection = self._rules.protection
        tick = look.universe.tick_paise[look.orders["row"]].astype(np.int64)
        option, future = (
            bands.on(look.today).bounds(look.reference, tick)
            for bands in (protection.limit_orders, protection.limit_orders_in_futures)
        )
        lowest, highest = (
            np.where(look.is_future, of_future, of_option)
            for of_option, of_future in zip(option, future, strict=True)
        )
        limit = look.orders["limit"]
        return (look.reference > 0) & ((limit < lowest) | (limit > highest))

    def _prices(
        self,
        look: Look,
        touch: NDArray[np.int64],
        quantities: NDArray[np.int64],
        rests: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Return the price of each order that trades, zero for the others."""
        orders = look.orders
        ticks = self._rules.slippage.ticks(orders["id"].copy(), orders["filled"].copy())
        slip = ticks * look.universe.tick_paise[orders["row"]]
        return np.where(quantities > 0, traded_paise(orders, touch, slip, rests), 0)

    def _written(
        self,
        orders: Sequence[Order],
        look: Look,
        denials: NDArray[np.int8],
        alive: NDArray[np.bool_],
        passed: NDArray[np.bool_],
        quantities: NDArray[np.int64],
        prices: NDArray[np.int64],
    ) -> list[Terms]:
        """Write the columns as one record an order."""
        charges = self._charges(orders, look.today)
        money: dict[int, Decimal | None] = {0: None}
        for amount in {*prices.tolist(), *look.reference.tolist(), *look.orders["limit"].tolist()}:
            money.setdefault(amount, rupees(amount))
        contracts = look.universe.contracts
        return [
            Terms(
                money[price],
                charges[order.symbol],
                _REASONS[denial],
                quantity,
                order.limit_price or (None if denial else money[limit]),
                is_alive,
                contracts[row].underlying if row >= 0 else "",
                money[reference],
                f"paper-{order.id}-{order.filled_quantity}" if quantity else "",
                has_passed,
                order.symbol in look.universe.closing_only,
            )
            for order, price, denial, quantity, limit, is_alive, has_passed, row, reference in zip(
                orders,
                prices.tolist(),
                denials.tolist(),
                quantities.tolist(),
                look.orders["limit"].tolist(),
                alive.tolist(),
                passed.tolist(),
                look.orders["row"].tolist(),
                look.reference.tolist(),
                strict=True,
            )
        ]

    def _charges(self, orders: Sequence[Order], day: date) -> dict[str, ChargeRates]:
        """Return the rates of each contract: those of its exchange."""
        tariff = self._rules.charges
        return {symbol: tariff.of(symbol, day) for symbol in {o.symbol for o in orders}}
