"""Portfolios: valuation of many accounts in one pass, stored, cached and published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import structlog

from angel_x.domain.book.settlement import IndexLevel
from angel_x.domain.calendar.session import IST
from angel_x.domain.chains.option_chain import shortest
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.contracts.delivery import Delivery, DeliveryRule
from angel_x.domain.operations.metric import Metric
from angel_x.domain.portfolios.expired import ExpiredMarks, expired, mark_expired
from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.domain.portfolios.valuation import (
    Located,
    Market,
    locate,
    value_accounts,
)
from angel_x.domain.pricing.greek import POSITION_GREEKS
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.quotes.quote import mid_paise
from angel_x.domain.records.statement import PositionRecord
from angel_x.domain.values.dated import Dated
from angel_x.domain.values.money import rupees, to_paisa
from angel_x.errors import UnknownAccount
from angel_x.services.ports import Clock, Dispatcher, Meter, Publish, QuoteBoard, UniverseSource
from angel_x.services.timing import track
from angel_x.services.valuation_ports import PortfolioCache, PortfolioStore, ReadColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

log = structlog.get_logger()

#: Accounts valued by one message.
SLICE = 500
_LARGEST_ID = 2**63 - 1
_AVERAGE = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolios:
    """Values accounts at the market.  Every method may run twice without harm."""

    store: PortfolioStore
    cache: PortfolioCache
    universes: UniverseSource
    quotes: QuoteBoard
    read_greeks: ReadColumns
    dispatcher: Dispatcher
    publish: Publish
    meter: Meter
    clock: Clock
    market_clock: Clock
    #: The annual rate at which payoffs are discounted, by the market's date.
    rates: Dated[float]
    #: Returns the accounts whose listeners get their portfolio.
    watched: Callable[[], Collection[int]] = frozenset
    #: The number of refreshes in which every account with positions is valued.
    turns: int = 1
    #: The pricing model of the published volatilities.
    model: PricingModel = PricingModel.BLACK76
    #: Returns the last stored levels of the indices.
    read_levels: Callable[[], Mapping[str, IndexLevel]]
    #: Returns the instant at which contracts of an expiry day cease to trade.
    closes_at: Callable[[date], datetime]
    #: Returns the rule of deliveries.
    delivery: Callable[[], DeliveryRule]
    #: The exceptions that mean an unavailable cache.
    unreachable: tuple[type[Exception], ...] = ()

    def update(self, user_ids: Collection[int]) -> list[Portfolio]:
        """Value accounts, then store, cache and publish the portfolios.

        Unknown ids are dropped and counted.  A second call values again and replaces the result.
        """
        with track(self.meter, Metric.PORTFOLIO_UPDATE_SECONDS):
            return self._update(user_ids)

    def _update(self, user_ids: Collection[int]) -> list[Portfolio]:
        # An id is a positive bigint; the database would refuse a larger number with an error.
        wanted = sorted(u for u in set(user_ids) if 0 < u <= _LARGEST_ID)
        # Before reading: an order that trades meanwhile marks its account again.
        self.cache.clear_dirty(wanted)
        portfolios = self._value(wanted)
        self._count_unknown(set(user_ids), portfolios)
        if portfolios:
            self.store.save(portfolios)
            self.cache.put({p.user_id: msgspec.json.encode(p) for p in portfolios})
            self.publish([_event(portfolio) for portfolio in portfolios])
        return portfolios

    def refresh(self) -> int:
        """Dispatch the valuation of accounts that changed or are watched, and of others in turn.

        Return their number.  An account that nobody watches is valued when it is asked for, so its
        stored portfolio may be as old as all turns take.
        """
        turn = self.cache.next_turn()
        holders = self.store.holders(self.watched(), turn, self.turns)
        user_ids = sorted(holders | self.cache.dirty())
        for start in range(0, len(user_ids), SLICE):
            self.dispatcher.update_portfolios(user_ids[start : start + SLICE])
        return len(user_ids)

    def snapshot(self) -> int:
        """Append the stored portfolios to the history, with the marks of their positions.

        A second call in a minute appends nothing.  Without the cache there are no marks.
        """
        taken_at = self.clock().replace(second=0, microsecond=0)
        return self.store.snapshot(taken_at, self._market_day(), self._held_marks())

    def _market_day(self) -> date:
        return self.market_clock().astimezone(IST).date()

    def _held_marks(self) -> dict[str, Decimal]:
        symbols = self.store.held()
        try:
            marks, _ = self._marks(symbols)
        except self.unreachable as error:
            log.warning("positions.unmarked", count=len(symbols), error=repr(error))
            return {}
        pairs = zip(symbols, marks, strict=True)
        return {symbol: mark for symbol, mark in pairs if mark is not None}

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

    def marked(self, held: Sequence[PositionRecord]) -> list[PositionRecord]:
        """Return positions at their marks and Greeks of now; as stored while the cache is unavailable."""
        symbols = [position.symbol for position in held]
        try:
            marks, is_expired = self._marks(symbols)
            live = self._live_greeks(symbols)
            deliveries = self._deliveries(held)
        except self.unreachable as error:
            log.warning("positions.unmarked", count=len(held), error=repr(error))
            marks, is_expired, live = [None] * len(held), [False] * len(held), {}
            deliveries = {}
        now = self.clock()
        found = zip(held, marks, is_expired, strict=True)
        valued = (replace(_at_mark(*each), delivery=deliveries.get(each[0].id)) for each in found)
        return [_with_greeks(each, live.get(each.symbol), now) for each in valued]

    def _deliveries(self, held: Sequence[PositionRecord]) -> dict[str, Delivery]:
        """Return the obligations of options on stocks at the spots of now, by position."""
        rule, found = self.delivery(), dict[str, Delivery]()
        stocks = [p for p in held if not rule.rules.is_index(underlying_of(p.symbol))]
        if not stocks:
            return found
        universe = self.universes.current()
        paise = self.quotes.spots(universe)["last"].tolist()
        spots = dict(zip(universe.underlyings, paise, strict=True))
        for position in stocks:
            spot = spots.get(underlying_of(position.symbol), 0)
            known = rule.of(position.symbol, position.quantity, rupees(spot)) if spot > 0 else None
            if known is not None:
                found[position.id] = known
        return found

    def _live_greeks(self, symbols: Sequence[str]) -> dict[str, dict[str, object]]:
        """Return the published Greeks of contracts as fields of a record; unpublished ones are left out."""
        universe = self.universes.current()
        located = locate(universe, symbols)
        columns, times = self.read_greeks(universe, located.rows)
        fields = columns[[greek.field for greek in POSITION_GREEKS]]
        known = np.isfinite(fields).all(axis=0) & (times > 0)
        return {
            universe.symbols[row]: {
                **{g.name: shortest(v) for g, v in zip(POSITION_GREEKS, values, strict=True)},
                "greeks_as_of": datetime.fromtimestamp(time / 1000.0, UTC),
            }
            for row, values, time, is_known in zip(
                located.rows.tolist(), fields.T.tolist(), times.tolist(), known, strict=True
            )
            if is_known
        }

    def _marks(self, symbols: Sequence[str]) -> tuple[list[Decimal | None], list[bool]]:
        """Return the mark of each symbol in rupees, and whether its contract has expired."""
        universe = self.universes.current()
        located = locate(universe, symbols)
        quoted = self.quotes.read_market(universe, located.rows)
        paise = np.append(mid_paise(quoted.quotes), np.nan)[located.position]
        now = self.market_clock().timestamp()
        settling = self._expired(symbols, universe, located, quoted.spots, now)
        if settling is not None:
            paise = np.where(settling.is_expired, settling.marks, paise)
        marks = [None if isnan(p) else Decimal(p).scaleb(-2) for p in paise.tolist()]
        return marks, [False] * len(marks) if settling is None else settling.is_expired.tolist()

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
        marks = self._expired(holdings.symbols, universe, located, quoted.spots, market.at)
        return value_accounts(accounts, holdings, universe, located, market, at, marks)

    def _expired(
        self,
        symbols: Sequence[str],
        universe: Universe,
        located: Located,
        spots: NDArray[np.void],
        at: float,
    ) -> ExpiredMarks | None:
        """Return the marks of expired positions; None where there are none."""
        # Position -1 selects the appended NaN: not listed.
        ends = np.append(universe.expires_at[located.rows], np.nan)[located.position]
        is_expired = expired(symbols, ends, at, self.closes_at)
        if not is_expired.any():
            return None
        levels = {name: level.level for name, level in self.read_levels().items()}
        quoted = zip(universe.underlyings, spots["last"].tolist(), strict=True)
        levels |= {name: rupees(last) for name, last in quoted if last > 0}
        return mark_expired(symbols, is_expired, levels)

    def _count_unknown(self, wanted: set[int], portfolios: Sequence[Portfolio]) -> None:
        unknown = wanted.difference(p.user_id for p in portfolios)
        if unknown:
            log.warning("portfolio.dropped", reason="unknown_account", count=len(unknown))
            self.meter.add(Metric.MESSAGES_DROPPED, len(unknown), reason="unknown_account")


def _at_mark(position: PositionRecord, mark: Decimal | None, is_expired: bool) -> PositionRecord:  # noqa: FBT001 - of a row
    profit = None if mark is None else to_paisa(mark * position.quantity - position.cost)
    return replace(
        position,
        average_price=(position.cost / position.quantity).quantize(_AVERAGE),
        mark=mark,
        unrealised_pnl=profit,
        day_pnl=None if profit is None else position.realised_pnl + profit - position.opening_pnl,
        provisional=is_expired,
    )


def _with_greeks(
    position: PositionRecord, live: Mapping[str, object] | None, now: datetime
) -> PositionRecord:
    """Return a position with its live Greeks, else the stored ones, and their age."""
    found = replace(position, **live) if live else position  # type: ignore[arg-type]
    if found.greeks_as_of is None:
        return found
    age = max(0.0, (now - found.greeks_as_of).total_seconds())
    return replace(found, greeks_age_seconds=round(age, 3))


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
