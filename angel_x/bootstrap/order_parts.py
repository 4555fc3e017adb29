"""The parts that every move of an order needs: transactions, the venue and margin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep

from angel_x.adapters.postgres.book_unit import BookUnits
from angel_x.adapters.postgres.ladders import Ladders
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.adapters.postgres.risk_files import PostgresRiskFiles
from angel_x.adapters.postgres.workflows import PostgresWorkflows
from angel_x.adapters.redis.portfolios import RedisPortfolioCache
from angel_x.bootstrap.foundation import TRANSIENT, Foundation
from angel_x.bootstrap.market import MarketParts
from angel_x.bootstrap.paper import liquidity, paper_market
from angel_x.bootstrap.shadow import build_shadow
from angel_x.bootstrap.venues import open_venue
from angel_x.domain.book.margin_pool import Risks
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.services.accounts.risk_files import RiskFiles
from angel_x.services.accounts.risk_sheets import RiskSheets
from angel_x.services.trading.aftermath import Aftermath
from angel_x.services.trading.live_guard import LiveGuard
from angel_x.services.trading.paper_venue import PaperVenue
from angel_x.services.trading.traced_transactions import TracedTransactions
from angel_x.services.trading.transaction import Transactions
from angel_x.services.trading.venue import Venue
from angel_x.services.trading.venue_desk import VenueDesk

#: The time for which read risk arrays and spots are used for later batches.
_SHEET_SECONDS = 0.5

#: The longest time until a process follows another risk file.
_FILE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class OrderParts:
    """The parts that every move of an order needs."""

    units: BookUnits
    venue: Venue
    risks: Risks
    risk_files: RiskFiles
    desk: VenueDesk
    aftermath: Aftermath
    search: OrderSearch
    workflows: PostgresWorkflows
    portfolio_cache: RedisPortfolioCache
    close_venue: Callable[[], None]
    #: Moves resting paper twins, where there are any.
    follow_twins: Callable[[], None]

    def close(self) -> None:
        """Close the connections to the venue."""
        self.close_venue()


def build_order_parts(base: Foundation, market: MarketParts, guard: LiveGuard | None) -> OrderParts:
    """Put together transactions of the book, the venue, and the events that follow a commit.

    Without a guard orders trade on paper.
    """
    settings = base.settings
    portfolio_cache = RedisPortfolioCache(base.cache, settings.cache_ttl_portfolio)
    units = BookUnits(
        base.engine,
        lease_seconds=settings.order_lease_seconds,
        at=base.at,
    )
    risk_files = RiskFiles(
        store=PostgresRiskFiles(base.side_engine),
        calendar=base.calendar,
        market_clock=base.market_clock,
        monotonic=monotonic,
        keep_seconds=_FILE_SECONDS,
    )
    risks = _risk_sheets(base, market, risk_files).of
    paper = paper_market(base, market, liquidity(base), Ladders(base.engine).marketable)
    shadow = build_shadow(base, market)
    venue, close_venue = open_venue(base, PaperVenue(paper, sleep=sleep), guard, shadow)
    aftermath = Aftermath(
        publish=base.events.publish,
        mark_dirty=portfolio_cache.mark_dirty,
        resting=market.resting,
        dispatcher=base.dispatcher,
        meter=base.meter,
        unreachable=TRANSIENT,
        log_decisions=settings.log_decisions,
    )
    return OrderParts(
        units=units,
        venue=venue,
        risks=risks,
        risk_files=risk_files,
        desk=VenueDesk(
            transactions=_transactions(base, units, aftermath),
            venue=venue,
            risks=risks,
            market_clock=base.market_clock,
            meter=base.meter,
            monotonic=monotonic,
            transient=TRANSIENT,
        ),
        aftermath=aftermath,
        search=OrderSearch(base.engine, base.at),
        workflows=PostgresWorkflows(base.engine, at=base.at),
        portfolio_cache=portfolio_cache,
        close_venue=close_venue,
        follow_twins=(lambda: None) if shadow is None else shadow.shadow.follow,
    )


def _transactions(base: Foundation, units: BookUnits, aftermath: Aftermath) -> Transactions:
    if base.tracer is None:
        return Transactions(units=units, tell=aftermath.tell, monotonic=monotonic)
    return TracedTransactions(
        units=units, tell=aftermath.tell, monotonic=monotonic, tracer=base.tracer
    )


def _risk_sheets(base: Foundation, market: MarketParts, files: RiskFiles) -> RiskSheets:
    model = base.tables.rule(SpanMargin.from_tables, "margin", "volatility")
    return RiskSheets(
        universes=market.universes,
        quotes=market.quotes,
        read_arrays=market.risk_board.read_rows,
        model=lambda rows, today: model().unit_risks(rows, today),
        meter=base.meter,
        clock=base.clock,
        market_clock=base.market_clock,
        monotonic=monotonic,
        risk_file=files.current,
        counts=files.counts,
        max_age_seconds=base.settings.cache_ttl_greeks,
        keep_seconds=_SHEET_SECONDS,
        unreachable=TRANSIENT,
    )
