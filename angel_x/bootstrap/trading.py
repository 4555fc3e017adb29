"""The life of an order after its acceptance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import shuffle
from time import monotonic, sleep
from typing import Any

import redis

from angel_x.adapters.postgres.book_unit import BookUnits
from angel_x.adapters.postgres.ladders import Ladders
from angel_x.adapters.postgres.lane_orders import LaneOrders
from angel_x.adapters.postgres.match_lock import MatchLock
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.adapters.postgres.overdue import PostgresOverdueOrders
from angel_x.adapters.postgres.replays import PostgresReplays
from angel_x.adapters.postgres.settlements import PostgresSettlements
from angel_x.adapters.postgres.workflows import Workflows
from angel_x.adapters.redis.lane_queues import LANES, LaneQueues
from angel_x.adapters.redis.liquidity import RedisLiquidity
from angel_x.adapters.redis.portfolios import RedisPortfolioCache
from angel_x.adapters.redis.queue_depths import QueueDepths
from angel_x.bootstrap.foundation import TRANSIENT, Foundation, lane_messages
from angel_x.bootstrap.intake import IntakeParts
from angel_x.bootstrap.market import Market
from angel_x.domain.book.margin_pool import Risks
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.exchange.latency import Latency
from angel_x.domain.exchange.protection import Protection
from angel_x.domain.exchange.slippage import Slippage
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.orders.order import Priority
from angel_x.services.accounts.balances import Balances
from angel_x.services.accounts.risk_sheets import RiskSheets
from angel_x.services.accounts.what_if import WhatIf
from angel_x.services.market.index_levels import IndexLevels
from angel_x.services.trading.aftermath import Aftermath
from angel_x.services.trading.ageing import Ageing
from angel_x.services.trading.amendment import Amending
from angel_x.services.trading.cancellation import Cancellation
from angel_x.services.trading.doorbells import Doorbells
from angel_x.services.trading.execution import Execution
from angel_x.services.trading.expiry import Expiry
from angel_x.services.trading.market_watch import MarketWatch
from angel_x.services.trading.matching import Matching
from angel_x.services.trading.overdue import OverdueEmergencies
from angel_x.services.trading.paper_market import PaperMarket, PaperRules
from angel_x.services.trading.paper_venue import PaperVenue
from angel_x.services.trading.reached_orders import ReachedOrders
from angel_x.services.trading.relay import Relay, RelayPace
from angel_x.services.trading.replay import Replays
from angel_x.services.trading.settlement import Settlement
from angel_x.services.trading.transaction import Transactions
from angel_x.services.trading.venue import Venue
from angel_x.services.trading.venue_desk import VenueDesk
from config.settings import Settings

#: Longest wait of an order that began to rest behind the back of the matcher.
_FULL_LOOK_SECONDS = 3.0

#: Seconds after which the relay decides an emergency order itself, and how often it tries.
_OVERDUE_SECONDS, _OVERDUE_ATTEMPTS = 1.0, 3

#: Seconds after which an order does not wait any longer for the lanes above its own.
_KEPT_SECONDS = 5.0

#: The time for which read risk arrays and spots are used for later batches.
_SHEET_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class OrderParts:
    """The parts that every move of an order needs."""

    units: BookUnits
    venue: Venue
    risks: Risks
    desk: VenueDesk
    aftermath: Aftermath
    search: OrderSearch
    workflows: Workflows
    portfolio_cache: RedisPortfolioCache


@dataclass(frozen=True, kw_only=True)
class Trading:
    """Execution, matching, amendment, cancellation, expiry, replay and what the relay does."""

    execution: Execution
    doorbells: Doorbells
    matching: Matching
    amending: Amending
    what_if: WhatIf
    balances: Balances
    cancellation: Cancellation
    expiry: Expiry
    settlement: Settlement
    relay: Relay
    overdue: OverdueEmergencies
    replays: Replays


def build_order_parts(base: Foundation, market: Market) -> OrderParts:
    """Put together transactions of the book, the venue, and the events that follow a commit."""
    settings = base.settings
    portfolio_cache = RedisPortfolioCache(base.cache, settings.cache_ttl_portfolio)
    units = BookUnits(
        base.engine,
        lease_seconds=settings.order_lease_seconds,
        at=base.at,
    )
    risks = _risk_sheets(base, market).of
    venue: Venue = PaperVenue(_paper_market(base, market), sleep=sleep)
    aftermath = Aftermath(
        events=base.events,
        mark_dirty=portfolio_cache.mark_dirty,
        resting=market.resting,
        dispatcher=base.dispatcher,
        meter=base.meter,
        unreachable=TRANSIENT,
    )
    return OrderParts(
        units=units,
        venue=venue,
        risks=risks,
        desk=VenueDesk(
            transactions=Transactions(units=units, aftermath=aftermath, monotonic=monotonic),
            venue=venue,
            risks=risks,
            market_clock=base.market_clock,
            meter=base.meter,
            transient=TRANSIENT,
        ),
        aftermath=aftermath,
        search=OrderSearch(base.engine, base.at),
        workflows=Workflows(base.engine, at=base.at),
        portfolio_cache=portfolio_cache,
    )


def build_trading(
    base: Foundation, market: Market, intake: IntakeParts, orders: OrderParts
) -> Trading:
    """Put together the services that move orders."""
    execution = _execution(base, orders)
    expiry = Expiry(
        find_ended=orders.search.ended,
        desk=orders.desk,
        market_clock=base.market_clock,
        transient=TRANSIENT,
    )
    return Trading(
        execution=execution,
        doorbells=_doorbells(base, execution),
        matching=_matching(base, market, orders),
        amending=Amending(
            desk=orders.desk,
            venue=orders.venue,
            universes=market.universes,
            slicing=intake.slicing,
            market_clock=base.market_clock,
        ),
        what_if=WhatIf(
            units=orders.units,
            venue=orders.venue,
            risks=orders.risks,
            universes=market.universes,
            slicing=intake.slicing,
            market_clock=base.market_clock,
        ),
        balances=Balances(units=orders.units, risks=orders.risks),
        cancellation=Cancellation(desk=orders.desk),
        expiry=expiry,
        settlement=_settlement(base, market, orders, expiry),
        relay=_relay(base, orders, execution),
        overdue=OverdueEmergencies(
            orders=PostgresOverdueOrders(base.engine),
            decide=execution.run,
            after_seconds=_OVERDUE_SECONDS,
            # The rest is left to messages: a ring counts only where a worker has failed.
            attempts=min(_OVERDUE_ATTEMPTS, base.settings.max_rings // 2),
        ),
        replays=Replays(
            orders=PostgresReplays(
                base.engine, ring_after_seconds=base.settings.ring_after_ms / 1000
            ),
            calendar=base.calendar,
            market_clock=base.market_clock,
            dispatcher=base.dispatcher,
        ),
    )


def _execution(base: Foundation, orders: OrderParts) -> Execution:
    return Execution(
        desk=orders.desk,
        venue=orders.venue,
        market_clock=base.market_clock,
        hours=base.hours,
        meter=base.meter,
        monotonic=monotonic,
        at=base.at,
        claim_limit=base.settings.claim_limit,
        transient=TRANSIENT,
    )


def _doorbells(base: Foundation, execution: Execution) -> Doorbells:
    batch_size, bound = base.settings.order_batch_size, lane_messages(base.settings)
    return Doorbells(
        decide=execution.answer,
        find_waiting=LaneOrders(base.engine, each=batch_size).waiting,
        messages=LaneQueues(base.broker, bound=bound),
        ring_on=base.dispatcher.ring_on,
        shuffle=shuffle,
        batch_size=batch_size,
        most_messages=bound,
        at=base.at,
    )


def _matching(base: Foundation, market: Market, orders: OrderParts) -> Matching:
    return Matching(
        reached=ReachedOrders(
            watch=MarketWatch(
                universes=market.universes,
                quotes=market.quotes,
                clock=base.clock,
                monotonic=monotonic,
                max_quote_age_seconds=base.settings.cache_ttl_market_data,
                full_seconds=_FULL_LOOK_SECONDS,
            ),
            orders=Ladders(base.engine),
            resting=market.resting,
            liquidity=_liquidity(base),
            monotonic=monotonic,
        ),
        desk=orders.desk,
        venue=orders.venue,
        alone=MatchLock(base.engine).held,
        ask_again=base.dispatcher.match,
        market_clock=base.market_clock,
        hours=base.hours,
        monotonic=monotonic,
        transient=TRANSIENT,
    )


def _settlement(base: Foundation, market: Market, orders: OrderParts, expiry: Expiry) -> Settlement:
    return Settlement(
        store=PostgresSettlements(base.engine),
        units=orders.units,
        read_levels=IndexLevels(
            universes=market.universes,
            quotes=market.quotes,
            clock=base.clock,
            max_quote_age_seconds=base.settings.cache_ttl_market_data,
        ).read,
        expire_orders=expiry.run,
        risks=orders.risks,
        tariff=base.tables.rule(Tariff.from_tables, "charges", "contracts"),
        hours=base.hours,
        aftermath=orders.aftermath,
        wait=timedelta(seconds=base.settings.settlement_wait_seconds),
        transient=TRANSIENT,
    )


def _ageing(base: Foundation) -> Ageing:
    return Ageing(
        find_late=LaneOrders(base.engine, each=1).late,
        ring_above=base.dispatcher.ring_above,
        after_seconds=_KEPT_SECONDS,
        batch_size=base.settings.order_batch_size,
        lane_messages=lane_messages(base.settings),
    )


def _relay(base: Foundation, orders: OrderParts, execution: Execution) -> Relay:
    return Relay(
        search=orders.search,
        workflows=orders.workflows,
        bells=base.dispatcher,
        depths=partial(_lane_depths, base.depths, base.cache),
        age=_ageing(base).look,
        park=execution.park,
        meter=base.meter,
        pace=RelayPace(
            ring_after_seconds=base.settings.ring_after_ms / 1000,
            max_rings=base.settings.max_rings,
            batch_size=base.settings.order_batch_size,
            lane_messages=lane_messages(base.settings),
        ),
        hours=base.hours,
    )


def _paper_market(base: Foundation, market: Market) -> PaperMarket:
    settings = base.settings
    return PaperMarket(
        universes=market.universes,
        quotes=market.quotes,
        liquidity=_liquidity(base),
        find_marketable=Ladders(base.engine).marketable,
        rules=base.tables.rule(
            partial(_paper_rules, settings), "charges", "contracts", "price_bands"
        ),
        clock=base.clock,
        market_clock=base.market_clock,
        hours=base.hours,
    )


def _liquidity(base: Foundation) -> RedisLiquidity:
    return RedisLiquidity(base.cache, ttl_seconds=base.settings.cache_ttl_market_data)


def _paper_rules(settings: Settings, charges: Any, contracts: Any, bands: Any) -> PaperRules:  # noqa: ANN401 - parsed tables
    seed = settings.paper_seed
    return PaperRules(
        charges=Tariff.from_tables(charges, contracts),
        protection=Protection.from_table(bands),
        slippage=Slippage(settings.paper_slippage_ticks, seed),
        latency=Latency(settings.paper_latency_ms, settings.paper_latency_jitter_ms, seed),
        max_quote_age_seconds=settings.cache_ttl_market_data,
    )


def _risk_sheets(base: Foundation, market: Market) -> RiskSheets:
    model = base.tables.rule(SpanMargin.from_table, "margin")
    return RiskSheets(
        universes=market.universes,
        quotes=market.quotes,
        read_arrays=market.risk_board.read_rows,
        model=lambda rows, today: model().unit_risks(rows, today),
        meter=base.meter,
        clock=base.clock,
        market_clock=base.market_clock,
        monotonic=monotonic,
        max_age_seconds=base.settings.cache_ttl_greeks,
        keep_seconds=_SHEET_SECONDS,
        unreachable=TRANSIENT,
    )


def _lane_depths(depths: QueueDepths, cache: redis.Redis) -> dict[Priority, int]:
    """Return the depth of each lane, or raise where workers could not decide anyway.

    Without the cache every ring would fail, and count against orders that are not to blame.
    """
    cache.ping()
    read = depths.read()
    return {priority: read[queue.value] for priority, queue in LANES.items()}
