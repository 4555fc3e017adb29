"""The foundation of all parts: connections, clocks, metrics and messages."""

from __future__ import annotations

import os
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import redis
from psycopg2.errors import LockNotAvailable, QueryCanceled
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.dispatch import CeleryDispatcher, OutOfTime
from angel_x.adapters.fault_points import passing
from angel_x.adapters.market_tables import market_tables
from angel_x.adapters.metrics import make_meter
from angel_x.adapters.postgres.clock import DatabaseClock
from angel_x.adapters.postgres.engine import make_engine, watch_queries
from angel_x.adapters.postgres.niceness import give_way
from angel_x.adapters.postgres.query_spans import trace_queries
from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.redis.events import EventStream
from angel_x.adapters.redis.market_clock import MarketClock
from angel_x.adapters.redis.queue_depths import QueueDepths
from angel_x.adapters.tracing import make_tracer
from angel_x.domain.calendar.session import SessionTable, TradingCalendar
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.step import Passing
from angel_x.services.operations.timings import Recorder, RecordingMeter
from angel_x.services.ports import Clock, Meter
from angel_x.services.trading_hours import TradingHours
from config.market.tables import MarketTables
from config.settings import Settings
from config.worker_processes import consumed_queues

if TYPE_CHECKING:
    from angel_x.adapters.tracing.process_tracer import ProcessTracer

#: The exceptions of adapters that mean an unavailable PostgreSQL or Redis, to be retried.  A task
#: that exceeds its time limit has waited for one of them.
TRANSIENT: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    redis.RedisError,
    OutOfTime,
)


def is_outage(error: Exception) -> bool:
    """Return whether an error is the outage of a server, and not a timeout of a slow request."""
    too_long = isinstance(error, OutOfTime) or isinstance(
        getattr(error, "orig", None), QueryCanceled
    )
    return isinstance(error, TRANSIENT) and not too_long


def is_lock_timeout(error: BaseException) -> bool:
    """Return whether PostgreSQL gave up the wait for a lock; the transaction is undone then."""
    return isinstance(getattr(error, "orig", None), LockNotAvailable)


#: Connections of a process that is not the API: one to work with, one to spare.
_WORKER_POOL = 2
#: Longest wait for a lock, in seconds, of a process that is not the API.
_WORKER_LOCK_SECONDS = 10.0
_SOCKET_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """Connections, clocks, metrics and messages of one process."""

    settings: Settings
    role: str
    #: Called at every step of the order protocol; tests inject faults there.
    at: Passing
    meter: Meter
    #: The times that the meter has observed.
    recorder: Recorder
    engine: Engine
    #: One more connection, for reads under the locks of a transaction, which must not wait for the pool.
    side_engine: Engine
    cache: redis.Redis
    broker: redis.Redis
    clock: Clock
    tables: MarketTables
    calendar: TradingCalendar
    market_clock: MarketClock
    hours: TradingHours
    events: EventStream
    dispatcher: CeleryDispatcher
    depths: QueueDepths
    #: None where traces are off.
    tracer: ProcessTracer | None

    def close(self) -> None:
        """Send waiting messages, and close all connections."""
        self.dispatcher.close()
        if self.tracer is not None:
            self.tracer.close()
        self.engine.dispose()
        self.side_engine.dispose()
        self.cache.close()
        self.broker.close()


def lay_foundation(settings: Settings, role: str) -> Foundation:
    """Make the foundation of one process, without connecting.

    Raises:
        SettingsError: A required address is missing, or a table of the market is wrong.
    """
    recorder = Recorder()
    made = make_meter(settings, role)
    meter = RecordingMeter(made, recorder) if settings.metrics_enabled else made
    tracer = make_tracer(
        settings, role, lambda spans, why: meter.add(Metric.SPANS_LOST, spans, reason=why)
    )
    pools = (settings.db_pool_size, settings.db_max_pool_size)
    if role != "api":
        pools = (min(_WORKER_POOL, pools[0]), min(2 * _WORKER_POOL, pools[1]))
    engine = _engine(settings, role, meter, *pools)
    side_engine = spare_engine(settings, role, meter)
    if tracer is not None:
        trace_queries(engine, tracer)
        trace_queries(side_engine, tracer)
    cache = _redis(settings.needed("cache_url"), settings.redis_pool_size)
    broker = _redis(settings.needed("broker_url"), settings.redis_pool_size)
    tables = market_tables(settings)
    clock = DatabaseClock(engine, wall=wall_clock, monotonic=monotonic)
    calendar = TradingCalendar(tables.rule(SessionTable.parse, "sessions"))
    market_clock = MarketClock(cache, clock)
    always = settings.market_hours == "always"
    return Foundation(
        settings=settings,
        role=role,
        at=passing(settings.home_path, settings.fault_at, settings.fault_action),
        meter=meter,
        recorder=recorder,
        engine=engine,
        side_engine=side_engine,
        cache=cache,
        broker=broker,
        clock=clock,
        tables=tables,
        calendar=calendar,
        market_clock=market_clock,
        hours=TradingHours(
            calendar,
            market_clock,
            lambda: always or market_clock.is_continuous(),
            settings.trading_mode,
        ),
        events=EventStream(cache),
        dispatcher=CeleryDispatcher(
            settings.needed("broker_url"),
            meter,
            lane_messages=lane_messages(settings),
            synchronous=role == "relay",
            tracer=tracer,
        ),
        depths=QueueDepths(broker, [queue.value for queue in consumed_queues(settings)]),
        tracer=tracer,
    )


def lane_messages(settings: Settings) -> int:
    """Return how many doorbells wait in a lane at most: one for each process, one for the lane."""
    return settings.order_processing_workers + 1


def spare_engine(settings: Settings, role: str, meter: Meter) -> Engine:
    """Return an engine of one connection, for work that must not wait for the pool or take from it."""
    return _engine(settings, role, meter, 1, 1)


def _engine(settings: Settings, role: str, meter: Meter, size: int, most: int) -> Engine:
    is_api = role == "api"
    engine = make_engine(
        settings.needed("database_url"),
        pool_size=size,
        max_pool_size=most,
        query_timeout_seconds=settings.db_query_timeout_seconds,
        lock_seconds=settings.api_lock_timeout_ms / 1000 if is_api else _WORKER_LOCK_SECONDS,
        idle_seconds=settings.order_lease_seconds,
        pools_transactions=settings.pools_transactions,
        exhausted=lambda: meter.add(Metric.DB_POOL_TIMEOUTS),
    )
    # The process id that a pooler gives is not that of a session.
    if os.getpriority(os.PRIO_PROCESS, 0) and not settings.pools_transactions:
        give_way(engine, os.getpriority(os.PRIO_PROCESS, 0))
    watch_queries(engine, meter.observe, slow_seconds=settings.slow_query_threshold_ms / 1000)
    return engine


def _redis(url: str, connections: int) -> redis.Redis:
    """Return a client that answers or fails within seconds; its callers handle the failure."""
    return connect(
        url,
        max_connections=connections,
        socket_timeout=_SOCKET_SECONDS,
        socket_connect_timeout=2,
        health_check_interval=30,
        # redis-py would repeat a command ten times; a counter would then count ten times.
        retry=Retry(NoBackoff(), 1),
    )
