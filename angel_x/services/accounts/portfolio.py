"""Portfolios: valuation of many accounts in one pass, stored, cached and published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import structlog

from angel_x.domain.book.settlement import IndexLevel
from angel_x.domain.calendar.session import IST
from angel_x.domain.operations.metric import Metric
from angel_x.domain.portfolios.expired import ExpiredMarks, expired, mark_expired
from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.domain.portfolios.valuation import (
    Market,
    locate,
    value_accounts,
)
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.values.dated import Dated
from angel_x.domain.values.money import rupees
from angel_x.errors import UnknownAccount
from angel_x.services.ports import Clock, Dispatcher, EventStream, Meter, QuoteBoard, UniverseSource
from angel_x.services.valuation_ports import PortfolioCache, PortfolioStore, ReadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = structlog.get_logger()

#: Accounts valued by one message.
SLICE = 500
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolios:
    """Values accounts at the market.  Every method may run twice without harm."""

    store: PortfolioStore
    cache: PortfolioCache
    universes: UniverseSource
    quotes: QuoteBoard
    read_greeks: ReadColumns
    dispatcher: Dispatcher
    events: EventStream
    meter: Meter
    clock: Clock
    market_clock: Clock
    #: The annual rate at which payoffs are discounted, by the market's date.
    rates: Dated[float]
    #: The pricing model of the published volatilities.
    model: PricingModel = PricingModel.BLACK76
    #: Returns the last stored levels of the indices.
    read_levels: Callable[[], Mapping[str, IndexLevel]]
    #: Returns the instant at which contracts of an expiry day cease to trade.
    closes_at: Callable[[date], datetime]

    def update(self, user_ids: Collection[int]) -> list[Portfolio]:
        """Value accounts, then store, cache and publish the portfolios.

        Unknown ids are dropped and counted.  A second call values again and replaces the result.
        """
        started = perf_counter()
        # An id is a positive bigint; the database would refuse a larger number with an error.
        wanted = sorted(u for u in set(user_ids) if 0 < u <= _LARGEST_ID)
        # Before reading: an order that trades meanwhile marks its account again.
        self.cache.clear_dirty(wanted)
        portfolios = self._value(wanted)
        self._count_unknown(set(user_ids), portfolios)
        if portfolios:
            self.store.save(portfolios)
            self.cache.put({p.user_id: msgspec.json.encode(p) for p in portfolios})
            self.events.publish([_event(portfolio) for portfolio in portfolios])
        self.meter.observe(Metric.PORTFOLIO_UPDATE_SECONDS, perf_counter() - started)
        return portfolios

    def refresh(self) -> int:
        """Dispatch the valuation of accounts with positions or changes; return their number."""
        user_ids = sorted(self.store.holders() | self.cache.dirty())
        for start in range(0, len(user_ids), SLICE):
            self.dispatcher.update_portfolios(user_ids[start : start + SLICE])
        return len(user_ids)

    def snapshot(self) -> int:
        """Append the stored portfolios to the history; a second call in a minute appends nothing."""
        taken_at = self.clock().replace(second=0, microsecond=0)
        return self.store.snapshot(taken_at)

    def of(self, user_id: int) -> Portfolio:
        """Return the cached portfolio of an account, else value it now.

        Raises:
            UnknownAccount: No account has this id.
        """
        cached = self.cache.get(user_id)
        self.meter.add(Metric.CACHE_REQUESTS, cache="portfolio", result="hit" if cached else "miss")
        if cached is not None:
            # A process of an older version may have cached it: fields new since then are None.
            return msgspec.json.decode(cached, type=Portfolio).at(self.clock())
        portfolios = self._value([user_id])
        if not portfolios:
            raise UnknownAccount(f"account must exist, was {user_id}")
        self.cache.put({user_id: msgspec.json.encode(portfolios[0])})
        return portfolios[0]

    def _value(self, user_ids: Sequence[int]) -> list[Portfolio]:
        at, market_time = self.clock(), self.market_clock()
        accounts, holdings = self.store.read(user_ids)
        universe = self.universes.current()
        located = locate(universe, holdings.symbols)
        quoted = self.quotes.read_market(universe, located.rows)
        greeks, times = self.read_greeks(universe, located.rows)
        market = Market(
            quotes=quoted.quotes,
            greeks=greeks,
            times=times,
            spots=quoted.spots,
            at=market_time.timestamp(),
            rate=self.rates.on(market_time.astimezone(IST).date()),
            model=self.model,
        )
        # Position -1 selects the appended NaN: not listed.
        ends = np.append(universe.expires_at[located.rows], np.nan)[located.position]
        marks = self._expired(holdings.symbols, ends, universe.underlyings, market)
        return value_accounts(accounts, holdings, universe, located, market, at, marks)

    def _expired(
        self,
        symbols: Sequence[str],
        expires_at: NDArray[np.float64],
        underlyings: Sequence[str],
        market: Market,
    ) -> ExpiredMarks | None:
        """Return the marks of expired positions; None where there are none."""
        is_expired = expired(symbols, expires_at, market.at, self.closes_at)
        if not is_expired.any():
            return None
        levels = {name: level.level for name, level in self.read_levels().items()}
        quoted = zip(underlyings, market.spots["last"].tolist(), strict=True)
        levels |= {name: rupees(last) for name, last in quoted if last > 0}
        return mark_expired(symbols, is_expired, levels)

    def _count_unknown(self, wanted: set[int], portfolios: Sequence[Portfolio]) -> None:
        unknown = wanted.difference(p.user_id for p in portfolios)
        if unknown:
            log.warning("portfolio.dropped", reason="unknown_account", count=len(unknown))
            self.meter.add(Metric.MESSAGES_DROPPED, len(unknown), reason="unknown_account")


def _event(portfolio: Portfolio) -> dict[str, object]:
    return {
        "user_id": portfolio.user_id,
        "kind": "portfolio",
        "equity": str(portfolio.equity),
        "free_balance": str(portfolio.free_balance),
        "margin_used": str(portfolio.margin_used),
        "realised_pnl": str(portfolio.realised_pnl),
        "unrealised_pnl": str(portfolio.unrealised_pnl),
        "greeks_age_seconds": portfolio.greeks_age_seconds,
        "updated_at": portfolio.updated_at.isoformat(),
    }
