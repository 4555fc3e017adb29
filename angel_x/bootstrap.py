"""The composition root: where settings, adapters and services become one application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from time import monotonic

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from angel_x.adapters.chain_files import read_chain
from angel_x.adapters.clock import wall_clock
from angel_x.adapters.dispatch import LANES, CeleryDispatcher, OutOfTime
from angel_x.adapters.metrics import make_meter
from angel_x.adapters.postgres.backlog import Backlog
from angel_x.adapters.postgres.book_unit import BookUnits
from angel_x.adapters.postgres.contracts import SqlContracts
from angel_x.adapters.postgres.engine import make_engine, watch_queries
from angel_x.adapters.postgres.greeks_snapshot import PostgresGreeksSnapshots
from angel_x.adapters.postgres.invariants import Invariants
from angel_x.adapters.postgres.order_intake import OrderIntake
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.adapters.postgres.partitions import Partitions
from angel_x.adapters.postgres.portfolios import PostgresPortfolios
from angel_x.adapters.postgres.reading import PostgresStatements
from angel_x.adapters.postgres.users import PostgresUsers
from angel_x.adapters.redis.events import EventStream
from angel_x.adapters.redis.greeks_board import RedisGreeksBoard
from angel_x.adapters.redis.market_clock import MarketClock, RedisFeedBeacon
from angel_x.adapters.redis.memory_board import MemoryBoard
from angel_x.adapters.redis.portfolios import RedisPortfolioCache
from angel_x.adapters.redis.queue_depths import QueueDepths
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.adapters.redis.refusals import RedisRefusals
from angel_x.adapters.redis.universe_pointer import RedisUniversePointer
from angel_x.adapters.resident import resident_bytes
from angel_x.adapters.universe_source import PublishedUniverse
from angel_x.domain.charges import charge_table
from angel_x.domain.contract_rules import ContractRules
from angel_x.domain.dated import Dated
from angel_x.domain.margin import PercentageMargin
from angel_x.domain.order import Priority
from angel_x.domain.replay import RecordedChain
from angel_x.domain.session import IST, TradingCalendar
from angel_x.services.acceptance import Acceptance
from angel_x.services.access import Access
from angel_x.services.accounts import Accounts
from angel_x.services.aftermath import Aftermath
from angel_x.services.backpressure import Backpressure
from angel_x.services.cancellation import Cancellation
from angel_x.services.contracts import ContractListing
from angel_x.services.execution import Execution
from angel_x.services.expiry import Expiry
from angel_x.services.feed import FeedPorts
from angel_x.services.greeks import Greeks
from angel_x.services.matching import Matching
from angel_x.services.memory import MemoryOverview, MemoryWatch
from angel_x.services.messaging import Messaging
from angel_x.services.option_chain import OptionChains
from angel_x.services.paper_market import PaperMarket
from angel_x.services.portfolio import Portfolios
from angel_x.services.ports import Clock, Meter
from angel_x.services.queues import QueueMonitor
from angel_x.services.reading import Reading
from angel_x.services.relay import Relay
from config.celery_options import celery_options
from config.market import table
from config.queues import QueueName
from config.settings import Settings

#: What adapters raise while PostgreSQL or Redis is away: worth another attempt, nobody's fault.
#: A task whose time is up has waited for one of them.
TRANSIENT: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    redis.RedisError,
    OutOfTime,
)

#: Connections of a process that is not the API: one to work with, one to spare.
_WORKER_POOL = 2
_SOCKET_SECONDS = 5
_ORDER_WORKERS = frozenset({"orders", "emergency"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Everything that one process works with.  It belongs to the process that built it."""

    settings: Settings
    clock: Clock
    market_clock: MarketClock
    calendar: TradingCalendar
    engine: Engine
    cache: redis.Redis
    broker: redis.Redis
    meter: Meter
    events: EventStream
    dispatcher: CeleryDispatcher
    universes: PublishedUniverse
    backpressure: Backpressure
    acceptance: Acceptance
    messaging: Messaging
    refusals: RedisRefusals
    execution: Execution
    matching: Matching
    cancellation: Cancellation
    expiry: Expiry
    relay: Relay
    greeks: Greeks
    option_chains: OptionChains
    portfolios: Portfolios
    accounts: Accounts
    access: Access
    reading: Reading
    contracts: ContractListing
    invariants: Invariants
    partitions: Partitions
    memory: MemoryOverview
    memory_watch: MemoryWatch
    queues: QueueMonitor
    backlog: Backlog
    feed_ports: FeedPorts
    read_chain: Callable[[Path], RecordedChain]

    def close(self) -> None:
        """Hand over what waits to be sent, and let go of every connection."""
        self.dispatcher.close()
        self.engine.dispose()
        self.cache.close()
        self.broker.close()


def build(settings: Settings, *, role: str) -> Application:
    """Put the application of one process together; ``role`` names it in metrics and reports.

    Nothing is connected to yet, unless ``WARM_CACHE_ON_STARTUP`` asks for the universe.

    Raises:
        SettingsError: An address that the process needs is not known.
    """
    clock: Clock = wall_clock
    meter = make_meter(settings, role)
    engine = _engine(settings, role, meter)
    cache = _redis(settings.needed("cache_url"), settings.redis_pool_size)
    broker = _redis(settings.needed("broker_url"), settings.redis_pool_size)
    calendar = TradingCalendar.from_table(table("sessions"))
    rules = ContractRules.from_table(table("contracts"))
    market_clock = MarketClock(cache, clock)
    contracts, pointer = SqlContracts(engine), RedisUniversePointer(cache)
    universes = PublishedUniverse(pointer, contracts, clock, TRANSIENT)
    quotes = RedisQuoteBoard(cache, ttl_seconds=settings.cache_ttl_market_data)
    greeks_board = RedisGreeksBoard(cache, settings.cache_ttl_greeks)
    events = EventStream(cache)
    dispatcher = CeleryDispatcher(celery_options(settings), meter, synchronous=role == "relay")
    portfolio_cache = RedisPortfolioCache(cache, settings.cache_ttl_portfolio)
    rate = _rate_on(clock().astimezone(IST).date())
    market = PaperMarket(
        universes=universes,
        quotes=quotes,
        margin=PercentageMargin.from_table(table("margin")["short_options"]),
        charges=charge_table(table("charges")["options"]),
        clock=clock,
        market_clock=market_clock,
        max_quote_age_seconds=settings.cache_ttl_market_data,
    )
    aftermath = Aftermath(
        events=events,
        portfolios=portfolio_cache,
        dispatcher=dispatcher,
        meter=meter,
        unreachable=TRANSIENT,
    )
    units, search = BookUnits(engine), OrderSearch(engine)
    intake = OrderIntake(engine, ring_after_seconds=settings.ring_after_ms / 1000)
    backpressure = Backpressure(intake.waiting, limit=settings.max_queue_size, monotonic=monotonic)
    acceptance = Acceptance(
        intake=intake,
        universes=universes,
        calendar=calendar,
        market_clock=market_clock,
        dispatcher=dispatcher,
        meter=meter,
        batch_size=settings.order_batch_size,
    )
    execution = Execution(
        units=units,
        market=market,
        aftermath=aftermath,
        market_clock=market_clock,
        meter=meter,
        monotonic=monotonic,
        claim_limit=settings.claim_limit,
        transient=TRANSIENT,
    )
    depths = QueueDepths(broker, [queue.value for queue in QueueName])
    users = PostgresUsers(engine)
    accounts, refusals = Accounts(users), RedisRefusals(cache)
    backlog, memory_board = Backlog(engine), MemoryBoard(cache)
    application = Application(
        settings=settings,
        clock=clock,
        market_clock=market_clock,
        calendar=calendar,
        engine=engine,
        cache=cache,
        broker=broker,
        meter=meter,
        events=events,
        dispatcher=dispatcher,
        universes=universes,
        backpressure=backpressure,
        acceptance=acceptance,
        messaging=Messaging(
            acceptance=acceptance,
            backpressure=backpressure,
            accounts=accounts,
            refusals=refusals,
            default_user=settings.submit_user,
        ),
        refusals=refusals,
        execution=execution,
        matching=Matching(
            search=search,
            units=units,
            market=market,
            aftermath=aftermath,
            market_clock=market_clock,
            transient=TRANSIENT,
        ),
        cancellation=Cancellation(units=units, aftermath=aftermath),
        expiry=Expiry(
            search=search,
            units=units,
            aftermath=aftermath,
            market_clock=market_clock,
            transient=TRANSIENT,
        ),
        relay=Relay(
            search=search,
            ring=dispatcher.ring,
            depths=lambda: _lane_depths(depths, cache),
            park=execution.park,
            meter=meter,
            ring_after_seconds=settings.ring_after_ms / 1000,
            max_rings=settings.max_rings,
            batch_size=settings.order_batch_size,
        ),
        greeks=Greeks(
            universes=universes,
            quotes=quotes,
            board=greeks_board,
            snapshots=PostgresGreeksSnapshots(engine),
            dispatcher=dispatcher,
            meter=meter,
            clock=clock,
            market_clock=market_clock,
            rate=rate,
            ttl_seconds=settings.cache_ttl_greeks,
        ),
        option_chains=OptionChains(
            universes=universes,
            quotes=quotes,
            greeks=greeks_board,
            clock=clock,
            market_clock=market_clock,
        ),
        portfolios=Portfolios(
            store=PostgresPortfolios(engine),
            cache=portfolio_cache,
            universes=universes,
            quotes=quotes,
            greeks=greeks_board,
            dispatcher=dispatcher,
            events=events,
            meter=meter,
            clock=clock,
            market_clock=market_clock,
            rate=rate,
        ),
        accounts=accounts,
        access=Access(users),
        reading=Reading(PostgresStatements(engine)),
        contracts=ContractListing(
            store=contracts,
            pointer=pointer,
            rules=rules,
            calendar=calendar,
            clock=clock,
            read_chain=partial(read_chain, rules=rules, calendar=calendar),
        ),
        invariants=Invariants(engine),
        partitions=Partitions(engine, clock),
        memory=MemoryOverview(reports=memory_board, clock=clock),
        memory_watch=MemoryWatch(
            f"{settings.node}/{role}",
            reports=memory_board,
            meter=meter,
            events=events,
            clock=clock,
            resident_bytes=resident_bytes,
            threshold_mb=settings.memory_alert_threshold_mb,
        ),
        queues=QueueMonitor(
            depths=depths,
            backlog=backlog,
            events=events,
            max_waiting=settings.max_queue_size,
            max_age_seconds=settings.queue_age_alert_seconds,
        ),
        backlog=backlog,
        feed_ports=FeedPorts(
            universes=universes,
            board=quotes,
            beacon=RedisFeedBeacon(cache),
            clock=clock,
            meter=meter,
            match=dispatcher.match,
            outages=TRANSIENT,
        ),
        read_chain=partial(read_chain, rules=rules, calendar=calendar),
    )
    if settings.warm_cache_on_startup:
        universes.current()
    return application


def _engine(settings: Settings, role: str, meter: Meter) -> Engine:
    size = (settings.db_pool_size, settings.db_max_pool_size)
    engine = make_engine(
        settings.needed("database_url"),
        pool_size=size[0] if role == "api" else min(_WORKER_POOL, size[0]),
        max_pool_size=size[1] if role == "api" else min(2 * _WORKER_POOL, size[1]),
        query_timeout_seconds=settings.db_query_timeout_seconds,
        # Where milliseconds count: a doorbell that meets a connection that died is rung again.
        pre_ping=role.partition("-")[0] not in _ORDER_WORKERS,
    )
    watch_queries(engine, meter.observe, slow_seconds=settings.slow_query_threshold_ms / 1000)
    return engine


def _redis(url: str, connections: int) -> redis.Redis:
    """Return a client that answers or fails within seconds: its caller knows what to do then."""
    return redis.Redis.from_url(
        url,
        max_connections=connections,
        socket_timeout=_SOCKET_SECONDS,
        socket_connect_timeout=2,
        health_check_interval=30,
        # redis-py would repeat a command ten times; a counter would then count ten times.
        retry=Retry(NoBackoff(), 1),
    )


def _lane_depths(depths: QueueDepths, cache: redis.Redis) -> dict[Priority, int]:
    """Return the depth of each lane, or raise where workers could not decide anyway.

    Without the cache every ring would fail, and count against orders that are not to blame.
    """
    cache.ping()
    read = depths.read()
    return {priority: read[queue.value] for priority, queue in LANES.items()}


def _rate_on(day: date) -> float:
    rows = table("rates")["risk_free"]
    return Dated((date.fromisoformat(r["from"]), float(r["rate"])) for r in rows).on(day)
