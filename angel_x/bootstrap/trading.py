"""The life of an order after its acceptance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import shuffle
from threading import Event
from time import monotonic

from angel_x.adapters.postgres.holdings import PostgresHoldings
from angel_x.adapters.postgres.ladders import Ladders
from angel_x.adapters.postgres.lane_orders import LaneOrders
from angel_x.adapters.postgres.match_lock import MatchLock
from angel_x.adapters.postgres.openings import PostgresOpenings
from angel_x.adapters.postgres.replays import PostgresReplays
from angel_x.adapters.postgres.settlements import PostgresSettlements
from angel_x.adapters.redis.lane_queues import LaneQueues
from angel_x.adapters.redis.linked_lanes import LinkedLanes
from angel_x.bootstrap.foundation import TRANSIENT, Foundation, lane_messages
from angel_x.bootstrap.intake import IntakeParts
from angel_x.bootstrap.market import MarketParts
from angel_x.bootstrap.order_parts import OrderParts
from angel_x.bootstrap.paper import liquidity
from angel_x.bootstrap.reconciliation import build_comparisons, follow
from angel_x.bootstrap.relay import overdue_emergencies, relay_of
from angel_x.domain.exchange.charges import Tariff
from angel_x.services.accounts.balances import Balances
from angel_x.services.accounts.openings import Openings
from angel_x.services.accounts.what_if import WhatIf
from angel_x.services.market.index_levels import IndexLevels
from angel_x.services.trading.amendment import Amending
from angel_x.services.trading.cancellation import Cancellation
from angel_x.services.trading.doorbells import Doorbells
from angel_x.services.trading.execution import Execution
from angel_x.services.trading.expiry import OrderExpiry
from angel_x.services.trading.margin_comparison import MarginComparison
from angel_x.services.trading.market_watch import MarketWatch
from angel_x.services.trading.matching import Matching
from angel_x.services.trading.overdue import OverdueEmergencies
from angel_x.services.trading.reached_orders import ReachedOrders
from angel_x.services.trading.reconciliation import Reconciler
from angel_x.services.trading.relay import Relay
from angel_x.services.trading.replay import Replays
from angel_x.services.trading.settlement import Settlement
from angel_x.services.trading.venue_reports import ReportPace, VenueReports

#: Longest wait of an order that began to rest behind the back of the matcher.
_FULL_LOOK_SECONDS = 3.0

#: The broker allows one look at its order book in a second.
_REPORT_PACE = ReportPace(usual=60.0, blind=5.0, heard=1.0)


@dataclass(frozen=True, kw_only=True)
class TradingParts:
    """Execution, matching, amendment, cancellation, expiry, replay and the relay."""

    execution: Execution
    doorbells: Doorbells
    matching: Matching
    amending: Amending
    what_if: WhatIf
    balances: Balances
    openings: Openings
    cancellation: Cancellation
    expiry: OrderExpiry
    settlement: Settlement
    relay: Relay
    overdue: OverdueEmergencies
    replays: Replays
    reports: VenueReports
    reconciler: Reconciler
    margin_comparison: MarginComparison
    #: Hands the broker's order updates to the reports until an event is set.
    follow: Callable[[Event], None]


def build_trading(
    base: Foundation, market: MarketParts, intake: IntakeParts, orders: OrderParts
) -> TradingParts:
    """Put together the services that move orders."""
    execution = _execution(base, orders)
    reports = _reports(base, orders)
    reconciler, margin_comparison = build_comparisons(base, is_live=not orders.venue.is_local)
    expiry = OrderExpiry(
        find_ended=orders.search.ended,
        desk=orders.desk,
        market_clock=base.market_clock,
        transient=TRANSIENT,
    )
    return TradingParts(
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
        balances=Balances(units=orders.units, risks=orders.risks, market_clock=base.market_clock),
        openings=Openings(
            store=PostgresOpenings(base.engine),
            risks=orders.risks,
            universes=market.universes,
            market_clock=base.market_clock,
            delivery=market.delivery,
        ),
        cancellation=Cancellation(desk=orders.desk),
        expiry=expiry,
        settlement=_settlement(base, market, orders, expiry),
        relay=relay_of(base, orders, execution),
        overdue=overdue_emergencies(base, execution),
        replays=Replays(
            orders=PostgresReplays(
                base.engine, ring_after_seconds=base.settings.ring_after_ms / 1000
            ),
            calendar=base.calendar,
            market_clock=base.market_clock,
            dispatcher=base.dispatcher,
        ),
        reports=reports,
        reconciler=reconciler,
        margin_comparison=margin_comparison,
        follow=partial(follow, base.settings, reports),
    )


def _reports(base: Foundation, orders: OrderParts) -> VenueReports:
    holdings = PostgresHoldings(base.engine, base.market_clock)
    return VenueReports(
        desk=orders.desk,
        venue=orders.venue,
        find_accounts=holdings.accounts,
        find_orders=holdings.open_orders,
        monotonic=monotonic,
        pace=_REPORT_PACE,
    )


def _execution(base: Foundation, orders: OrderParts) -> Execution:
    return Execution(
        desk=orders.desk,
        venue=orders.venue,
        market_clock=base.market_clock,
        hours=base.hours,
        meter=base.meter,
        monotonic=monotonic,
        units=orders.units,
        claim_limit=base.settings.claim_limit,
        transient=TRANSIENT,
    )


def _doorbells(base: Foundation, execution: Execution) -> Doorbells:
    batch_size, bound = base.settings.order_batch_size, lane_messages(base.settings)
    lanes = LaneQueues(base.broker, bound=bound)
    return Doorbells(
        decide=execution.answer,
        find_waiting=LaneOrders(base.engine, each=batch_size).waiting,
        messages=lanes if base.tracer is None else LinkedLanes(lanes, base.tracer),
        ring_on=base.dispatcher.ring_on,
        shuffle=shuffle,
        batch_size=batch_size,
        most_messages=bound,
        at=base.at,
    )


def _matching(base: Foundation, market: MarketParts, orders: OrderParts) -> Matching:
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
            liquidity=liquidity(base),
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


def _settlement(
    base: Foundation, market: MarketParts, orders: OrderParts, expiry: OrderExpiry
) -> Settlement:
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
        is_in_cash=lambda name: market.rules().is_index(name),
        aftermath=orders.aftermath,
        wait=timedelta(seconds=base.settings.settlement_wait_seconds),
        transient=TRANSIENT,
    )
