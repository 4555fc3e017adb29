"""The universe changes while everybody works: every row that is read belongs to its symbol.

Whatever is written about a contract is its number in a pool of contracts, so that what is read
tells whose it is.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from threading import Condition, Event
from time import monotonic

import numpy as np
import redis
from sqlalchemy import Engine

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.postgres.contracts import SqlContracts
from angel_x.adapters.redis.greeks_board import (
    RedisChainBoards,
    RedisGreeksBoard,
    RedisRiskBoard,
)
from angel_x.adapters.redis.market_clock import RedisFeedBeacon
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.adapters.redis.universe_pointer import RedisUniversePointer
from angel_x.adapters.universe_source import PublishedUniverse
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.feed.simulator import Simulator, central_strikes
from angel_x.domain.margin.risk_arrays import RISK_ROWS
from angel_x.domain.portfolios.valuation import locate
from angel_x.domain.pricing.greek import GREEK_FIELDS
from angel_x.domain.quotes.quote import QUOTE
from angel_x.services.market.feed import Feed
from angel_x.services.market.feed_ports import FeedPorts
from angel_x.services.market.quoting import Quoting
from angel_x.services.trading.market_watch import MarketWatch
from tests.builders.chains import make_universe
from tests.builders.markets import CALENDAR, standing_market
from tests.builders.recorders import RecordingMeter

NOW = datetime(2026, 8, 19, 7, 0, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)
POOL = make_universe(
    ("BANKNIFTY", "NIFTY", "SENSEX"),
    (date(2026, 8, 25), date(2026, 9, 1), date(2026, 9, 8)),
    range(23_000, 24_001, 20),
)
NUMBERS = {symbol: number for number, symbol in enumerate(POOL.symbols, 1)}
SPOTS = {name: number for number, name in enumerate(POOL.underlyings, 1)}
FUTURES = {(c.underlying, c.expiry): number for number, c in enumerate(POOL.chains, 1)}
#: In each of them a contract has another row, but for the last, where it has another lot.
LISTED = (
    Universe(c for c in POOL.contracts if c.underlying != "BANKNIFTY"),
    Universe(c for c in POOL.contracts if c.strike % 40 == 0),
    Universe(c for c in POOL.contracts if c.expiry != POOL.chains[0].expiry),
    Universe(replace(c, lot_size=75) for c in POOL.contracts if c.expiry != POOL.chains[0].expiry),
)
SWAPS = 24


class World:
    """Servers, and what the workers have done."""

    def __init__(self, cache: redis.Redis, engine: Engine) -> None:
        self.pointer = RedisUniversePointer(cache)
        self.store = SqlContracts(engine)
        self.quotes = RedisQuoteBoard(cache, ttl_seconds=60)
        self.greeks = RedisGreeksBoard(cache, 60)
        self.risk = RedisRiskBoard(cache, 60)
        self.stop = Event()
        self._done: dict[int, set[str]] = {}
        self._progress = Condition()
        self._workers = count()

    def source(self, read_version: Callable[[], str | None] | None = None) -> PublishedUniverse:
        """Return what a process of its own has: it looks for another universe every time."""
        ticks = count()
        return PublishedUniverse(
            read_version or self.pointer.get,
            self.store.load,
            lambda: NOW + timedelta(seconds=2 * next(ticks)),
        )

    def list(self, universe: Universe) -> None:
        self.store.replace(universe)
        self.pointer.publish(self.store.load().version)

    def work(self, worker: Callable[[], str]) -> None:
        """Run a worker until the end; it returns the version with which it has worked."""
        number = next(self._workers)
        while not self.stop.is_set():
            version = worker()
            with self._progress:
                self._done.setdefault(number, set()).add(version)
                self._progress.notify_all()

    def wait_for(self, version: str, workers: int) -> None:
        """Wait until so many workers have worked with a version."""
        with self._progress:
            arrived = self._progress.wait_for(
                lambda: sum(version in done for done in self._done.values()) >= workers, 30
            )
        assert arrived, version

    def wait_for_feed(self, cache: redis.Redis) -> None:
        """Wait until the feed runs and its first universe has all quotes."""
        deadline, pause = monotonic() + 60, Event()
        while not (cache.exists("ax:feed:live") and cache.exists("ax:universe:quoted")):
            assert monotonic() < deadline, "the feed did not start"
            pause.wait(0.01)

    def forget(self) -> None:
        with self._progress:
            self._done.clear()


def feed(world: World) -> Callable[[], str]:
    quoting = Quoting(POOL, world.source(), world.quotes, buffer_size=len(POOL))
    random = np.random.default_rng(1)

    def tick() -> str:
        rows = np.sort(random.choice(len(POOL), 200, replace=False))
        quoting.take(move(rows), slice(None), NOW_MS)
        if quoting.follow():
            quoting.restate(NOW_MS)
        quoting.flush(NOW_MS)
        assert quoting.listing is not None
        return quoting.listing.universe.version

    quoting.take(move(np.arange(len(POOL))), slice(None), NOW_MS)
    return tick


def move(rows: np.ndarray) -> MarketMove:
    return MarketMove(
        NOW,
        rows,
        numbered(rows + 1),
        numbered(list(SPOTS.values())),
        numbered(list(FUTURES.values())),
    )


def numbered(numbers: np.ndarray | list[int]) -> np.ndarray:
    quotes = np.zeros(len(numbers), QUOTE)
    quotes["time"] = NOW_MS
    for field in ("bid", "ask", "last", "volume"):
        quotes[field] = numbers
    return quotes


def pricing(world: World) -> Callable[[], str]:
    """Publish columns of chunks that were asked for under one universe and arrive in another."""
    asking, answering = world.source(), world.source()
    random = np.random.default_rng(2)

    def price() -> str:
        asked = asking.current()
        chain = asked.chains[random.integers(len(asked.chains))]
        universe = answering.version(asked.version)
        if universe is None:
            return asked.version
        numbers = np.array(
            [NUMBERS[s] for s in universe.symbols[chain.start : chain.stop]], np.float32
        )
        for board, fields in ((world.greeks, len(GREEK_FIELDS)), (world.risk, RISK_ROWS)):
            board.write(universe, chain.start, np.tile(numbers, (fields, 1)), NOW_MS)
        return universe.version

    return price


def reading(world: World, seed: int, seen: set[str]) -> Callable[[], str]:
    source = world.source()
    random = np.random.default_rng(seed)

    def read() -> str:
        universe = source.current()
        rows = random.choice(len(universe), 300)
        symbols = [universe.symbols[row] for row in rows]
        numbers = np.array([NUMBERS[symbol] for symbol in symbols])
        assert [universe.contracts[row].symbol for row in rows] == symbols
        market = world.quotes.read_market(universe, rows)
        check(market.quotes["last"], numbers)
        check(market.spots["last"], np.array([SPOTS[name] for name in universe.underlyings]))
        keys = [(c.underlying, c.expiry) for c in universe.chains]
        check(market.futures["last"], np.array([FUTURES[key] for key in keys]))
        for board in (world.greeks, world.risk):
            columns, times = board.read_rows(universe, rows)
            check(np.where(times > 0, columns[-1], 0), numbers)
            seen.update({"published"} if times.any() else ())
        seen.update({"quoted"} if market.quotes["last"].any() else ())
        return universe.version

    return read


def check(found: np.ndarray, numbers: np.ndarray) -> None:
    known = found != 0
    assert np.array_equal(found[known], numbers[known])


def watching(world: World) -> Callable[[], str]:
    watch = MarketWatch(
        universes=world.source(),
        quotes=world.quotes,
        clock=lambda: NOW,
        monotonic=lambda: 0.0,
        max_quote_age_seconds=1.0,
        full_seconds=10.0,
    )

    def look() -> str:
        sight = watch.look()
        moved = np.arange(len(sight.universe)) if sight.moved is None else sight.moved
        rows = moved.tolist()
        symbols = [sight.universe.symbol(row) for row in rows]
        check(sight.quotes["last"][rows], np.array([NUMBERS[symbol] for symbol in symbols]))
        watch.note(sight)
        return sight.universe.version

    return look


def valuing(world: World) -> Callable[[], str]:
    source = world.source()
    held = POOL.symbols[::7]

    def value() -> str:
        universe = source.current()
        located = locate(universe, held)
        quotes = world.quotes.read_rows(universe, located.rows)
        for symbol, position in zip(held, located.position.tolist(), strict=True):
            assert (position < 0) == (universe.row(symbol) is None)
            if position >= 0:
                assert quotes["last"][position] in {0, NUMBERS[symbol]}
        return universe.version

    return value


def test_every_row_that_is_read_belongs_to_its_symbol(cache: redis.Redis, engine: Engine) -> None:
    world = World(cache, engine)
    world.list(LISTED[0])
    seen: set[str] = set()
    makers = [feed, pricing, watching, valuing]
    workers = [make(world) for make in makers]
    workers += [reading(world, seed, seen) for seed in range(3)]

    with ThreadPoolExecutor(len(workers)) as threads:
        running: list[Future[None]] = [threads.submit(world.work, worker) for worker in workers]
        try:
            for swap in range(1, SWAPS):
                universe = LISTED[swap % len(LISTED)]
                world.forget()
                world.list(universe)
                # Some swaps come while nobody has followed the one before.
                if swap % 3 == 0 and not any(future.done() for future in running):
                    world.wait_for(universe.version, len(workers))
        finally:
            world.stop.set()
        for future in running:
            future.result(30)

    assert seen == {"quoted", "published"}


def test_what_is_written_for_one_version_is_never_read_under_another(
    cache: redis.Redis, engine: Engine
) -> None:
    world = World(cache, engine)
    first, second = LISTED[2:]
    assert (len(first), first.version == second.version) == (len(second), False)
    rows = np.arange(len(first))

    world.quotes.write(first, rows, numbered(rows + 1))
    world.quotes.write_spots(first, numbered([1] * len(first.underlyings)))
    world.greeks.write(first, 0, np.ones((len(GREEK_FIELDS), len(first)), np.float32), NOW_MS)
    world.risk.write(first, 0, np.ones((RISK_ROWS, len(first)), np.float32), NOW_MS)

    market = world.quotes.read_market(second, rows)
    assert not market.quotes["time"].any()
    assert not market.spots["time"].any()
    for board in (world.greeks, world.risk):
        assert not board.read(second)[1].any()
        assert board.read(first)[1].all()


def test_a_universe_is_used_only_when_the_running_feed_quotes_it(
    cache: redis.Redis, engine: Engine
) -> None:
    world = World(cache, engine)
    others, feed = world.source(), world.source(world.pointer.newest)
    world.list(LISTED[0])
    assert others.current().version == feed.current().version == LISTED[0].version

    RedisFeedBeacon(cache).show(standing_market(NOW, NOW))
    world.list(LISTED[1])

    assert feed.current().version == LISTED[1].version
    assert others.current().version == LISTED[0].version
    assert others.refreshed().version == LISTED[0].version
    world.pointer.announce(LISTED[1].version)
    assert others.current().version == LISTED[1].version


def test_without_a_feed_a_universe_is_used_at_once(cache: redis.Redis, engine: Engine) -> None:
    world = World(cache, engine)
    others = world.source()
    world.list(LISTED[0])
    others.current()

    world.list(LISTED[1])

    assert others.current().version == LISTED[1].version
    assert cache.ttl("ax:universe:awaited") == -2


def test_no_universe_waits_for_a_feed_for_ever(cache: redis.Redis, engine: Engine) -> None:
    world = World(cache, engine)
    RedisFeedBeacon(cache).show(standing_market(NOW, NOW))

    world.list(LISTED[0])

    assert 0 < cache.ttl("ax:universe:awaited") <= 15


def test_no_contract_is_without_a_quote_while_the_universe_changes(
    cache: redis.Redis, engine: Engine
) -> None:
    world = World(cache, engine)
    world.list(LISTED[0])
    quoting = playing(cache, world)
    others, pause, seen = world.source(), Event(), set()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(quoting.run, world.stop)
        try:
            world.wait_for_feed(cache)
            quoted(world, others.current())
            for universe in LISTED[1:3]:
                world.list(universe)
                while others.current().version != universe.version:
                    assert not running.done()
                    seen.add(quoted(world, others.current()))
                    pause.wait(0.01)
                seen.add(quoted(world, others.current()))
        finally:
            world.stop.set()
        running.result(60)

    assert seen == {universe.version for universe in LISTED[:3]}


def playing(cache: redis.Redis, world: World) -> Feed:
    """Return a feed whose market follows each universe."""
    source = world.source(world.pointer.newest)
    ports = FeedPorts(
        universes=source,
        board=world.quotes,
        beacon=RedisFeedBeacon(cache),
        take_command=lambda: None,
        clock=wall_clock,
        calendar=CALENDAR,
        meter=RecordingMeter(),
        carry=RedisChainBoards(cache, world.greeks, world.risk).carry,
        announce=world.pointer.announce,
        match=lambda *_: True,
        outages=(),
    )
    universe = source.current()
    market = Simulator(universe, central_strikes(universe), seed=1, starts_at=NOW)
    # Small pieces, so that the whole market takes many writes.
    return Feed(market, ports, buffer_size=50)


def quoted(world: World, universe: Universe) -> str:
    """Check that each contract and each underlying has a quote; return the version."""
    rows = np.arange(len(universe))
    quotes, spots = world.quotes.read_rows_and_spots(universe, rows)
    assert (quotes["time"] > 0).all()
    assert (spots["time"] > 0).all()
    return universe.version
