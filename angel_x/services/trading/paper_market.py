"""The paper exchange: the terms of a batch of orders from cached quotes and rules.

An order that is refused after its terms were computed keeps its share of the displayed size until the
quote changes: less than the displayed size may be traded, never more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.exchange.charges import ChargeRates, Tariff
from angel_x.domain.exchange.latency import Latency
from angel_x.domain.exchange.matching import (
    ORDER,
    TOUCH,
    by_priority,
    crosses,
    touch_paise,
    traded_paise,
    triggered,
    units_ahead,
)
from angel_x.domain.exchange.protection import Protection, reference_paise
from angel_x.domain.exchange.slippage import Slippage
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import PLACED, Order, OrderStatus, Side
from angel_x.domain.orders.order_types import LIMITED
from angel_x.domain.quotes.liquidity import LiquidityBoard, claims_of, lots_displayed, shared
from angel_x.domain.quotes.quote import fresh
from angel_x.domain.values.money import paise, rupees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe
    from angel_x.services.ports import Clock, QuoteBoard, UniverseSource
    from angel_x.services.trading_hours import TradingHours

#: Finds the limit orders that rest, are valid and would trade at one of these touches.
FindMarketable = Callable[["Universe", "NDArray[np.void]", datetime], "NDArray[np.void]"]

#: Before an order takes part in the market.  Its limit is checked on the way in, and not again.
_OUTSIDE = frozenset({OrderStatus.RECEIVED, OrderStatus.SUBMITTING, OrderStatus.TRIGGER_PENDING})
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRules:
    """The rules and habits of the paper exchange."""

    charges: Tariff
    protection: Protection
    slippage: Slippage
    latency: Latency
    max_quote_age_seconds: float


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


@dataclass(frozen=True, slots=True)
class _Look:
    """The market data of one batch of orders, by order."""

    universe: Universe
    orders: NDArray[np.void]
    quotes: NDArray[np.void]
    is_fresh: NDArray[np.bool_]
    reference: NDArray[np.int64]
    #: Whether the spot behind the margin can be trusted.
    spot_is_trusted: NDArray[np.bool_]
    is_expired: NDArray[np.bool_]
    today: date

    @property
    def is_listed(self) -> NDArray[np.bool_]:
        result: NDArray[np.bool_] = self.orders["row"] >= 0
        return result


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
        self._universes = universes
        self._quotes = quotes
        self._liquidity = liquidity
        self._find_marketable = find_marketable
        self._read_rules = rules
        self._clock = clock
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
        checked = [o.status in _OUTSIDE and o.order_type in LIMITED for o in orders]
        rests = [o.status not in _OUTSIDE and not are_amended for o in orders]
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
        look = self._look(orders)
        if look is None:
            charges = self._charges(orders, self._market_clock().astimezone(IST).date())
            return [
                Terms(None, charges[underlying_of(o.symbol)], DenialReason.UNKNOWN_CONTRACT)
                for o in orders
            ]
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
            quantities = self._taken(look, touch, tradable, batch)
            prices = self._prices(look, touch, quantities, batch.rests)
        else:
            quantities = prices = np.zeros(len(orders), np.int64)
        passed = alive & look.orders["is_stopped"] & batch.is_new
        return self._written(orders, look, denials, alive, passed, quantities, prices)

    def _look(self, orders: Sequence[Order]) -> _Look | None:
        """Read the market for these orders, or return None where it lists none of them."""
        universe, now = self._universes.current(), self._market_clock()
        columns = order_columns(orders, universe)
        if (columns["row"] < 0).any():
            # Accepted by a process that uses a newer universe than this one.
            universe = self._universes.refreshed()
            columns = order_columns(orders, universe)
        if not (columns["row"] >= 0).any():
            return None
        safe = np.maximum(columns["row"], 0)
        quotes, spots = self._quotes.read_rows_and_spots(universe, safe)
        now_ms, today = epoch_ms(self._clock()), now.astimezone(IST).date()
        is_fresh = fresh(quotes, now_ms, self._rules.max_quote_age_seconds)
        return _Look(
            universe=universe,
            orders=columns,
            quotes=quotes,
            is_fresh=is_fresh,
            reference=np.where(is_fresh, reference_paise(quotes), 0),
            spot_is_trusted=self._trusted(spots)[universe.underlying_index[safe]],
            is_expired=universe.expires_at[safe] <= now.timestamp(),
            today=today,
        )

    def _protect(self, look: _Look, at_market: NDArray[np.bool_]) -> None:
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
        look: _Look,
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
        no_spot = unheld & ~look.orders["is_buy"] & ~look.spot_is_trusted
        denials[at_market & is_stale | no_spot] = _CODES[DenialReason.STALE_QUOTE]
        denials[look.is_expired] = _CODES[DenialReason.CONTRACT_EXPIRED]
        denials[~look.is_listed] = _CODES[DenialReason.UNKNOWN_CONTRACT]
        return denials

    def _outside_band(self, look: _Look) -> NDArray[np.bool_]:
        """Return which limits the exchange would not take; all pass where it has no reference."""
        band = self._rules.protection.limit_orders.on(look.today)
        tick = look.universe.tick_paise[look.orders["row"]].astype(np.int64)
        lowest, highest = band.bounds(look.reference, tick)
        limit = look.orders["limit"]
        return (look.reference > 0) & ((limit < lowest) | (limit > highest))

    def _taken(
        self,
        look: _Look,
        touch: NDArray[np.int64],
        tradable: NDArray[np.bool_],
        batch: _Batch,
    ) -> NDArray[np.int64]:
        """Take the displayed size for tradable orders; return the granted units of each.

        Orders that come in leave the units of resting ones that are served before them.
        """
        places, rests = np.flatnonzero(tradable), batch.rests
        others_rest = np.array([order.others_rest for order in batch.orders], np.bool_)
        others = self._resting_beside(look, touch, tradable & ~rests & others_rest)
        queue = np.concatenate([look.orders[places], others])
        ranks = by_priority(queue, np.append(rests[places], np.ones(len(others), np.bool_)))
        is_other = ranks >= len(places)
        ahead = units_ahead(queue[ranks], is_other)[~is_other]
        places = places[ranks[~is_other]]
        ranked = look.orders[places]
        claims, starts = claims_of(ranked, look.quotes[places], ahead, look.universe)
        granted = self._liquidity.take(look.universe, claims)
        quantities = np.zeros(len(look.orders), np.int64)
        quantities[places] = shared(ranked["leaves"], starts, granted)
        return quantities

    def _resting_beside(
        self, look: _Look, touch: NDArray[np.int64], comes_in: NDArray[np.bool_]
    ) -> NDArray[np.void]:
        """Return the orders that rest, and would trade, where these come in."""
        if not comes_in.any():
            return np.empty(0, ORDER)
        touches = np.zeros(int(comes_in.sum()), TOUCH)
        touches["row"], touches["is_buy"] = (
            look.orders["row"][comes_in],
            look.orders["is_buy"][comes_in],
        )
        touches["price"] = touch[comes_in]
        touches["most"] = lots_displayed(touches, look.quotes[comes_in], look.universe)
        found = self._find_marketable(look.universe, np.unique(touches), self._market_clock())
        return found[~np.isin(found["id"], look.orders["id"])]

    def _prices(
        self,
        look: _Look,
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
        look: _Look,
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
                charges[underlying_of(order.symbol)],
                _REASONS[denial],
                quantity,
                order.limit_price or (None if denial else money[limit]),
                is_alive,
                contracts[row].underlying if row >= 0 else "",
                money[reference],
                f"paper-{order.id}-{order.filled_quantity}" if quantity else "",
                has_passed,
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
        """Return the rates of each underlying: those of its exchange."""
        tariff = self._rules.charges
        return {name: tariff.on(name, day) for name in {underlying_of(o.symbol) for o in orders}}

    def _trusted(self, spots: NDArray[np.void]) -> NDArray[np.bool_]:
        """Return which spots are valid for margin: a missing spot would make short positions free."""
        is_fresh = fresh(spots, epoch_ms(self._clock()), self._rules.max_quote_age_seconds)
        trusted: NDArray[np.bool_] = is_fresh & (spots["last"] > 0)
        return trusted


def order_columns(orders: Sequence[Order], universe: Universe) -> NDArray[np.void]:
    """Return orders as one ORDER each."""
    rows = universe.rows
    return np.array(
        [
            (
                o.id,
                rows.get(o.symbol, -1),
                o.side is Side.BUY,
                0 if o.limit_price is None else paise(o.limit_price),
                0 if o.trigger_price is None else paise(o.trigger_price),
                o.trigger_price is not None and o.status in _OUTSIDE,
                o.leaves_quantity,
                o.filled_quantity,
                o.time_priority,
            )
            for o in orders
        ],
        ORDER,
    )
