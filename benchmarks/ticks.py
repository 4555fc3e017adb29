"""The way of ticks from a source through the buffer into the cache: how many a second on one core.

``python -m benchmarks.ticks [--seconds S] [--json FILE]``.  The feed and the cache server share one
core.  Costs are processor time; the baselines write the same quotes as hashes in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import redis

from angel_x.adapters.chain_files import read_chain
from angel_x.adapters.clock import wall_clock
from angel_x.adapters.metrics.meter import PrometheusMeter
from angel_x.adapters.redis.feed_commands import RedisFeedCommands
from angel_x.adapters.redis.market_clock import RedisFeedBeacon
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.adapters.servers import start_servers
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.calendar.session import TradingCalendar
from angel_x.domain.contracts.contract_rules import ContractFactory, ContractRules
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.contracts.universe_generator import UniversePlan, generate_universe
from angel_x.domain.feed.chain_generator import generate_chain
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.feed.replay import RecordedChain
from angel_x.domain.feed.simulator import MarketHabits, Simulator, central_strikes
from angel_x.domain.quotes.quote import QUOTE
from angel_x.domain.quotes.ticks import TickBuffer
from angel_x.services.market.feed import Feed
from angel_x.services.market.feed_ports import FeedPorts, MarketSource
from angel_x.services.market.quoting import Quoting
from benchmarks.machine import described, write
from benchmarks.system import temporary_home
from config.market import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = ContractRules.from_table(table("contracts"))
CALENDAR = TradingCalendar.from_table(table("sessions"))
RECORDING = Path(__file__).resolve().parents[2] / "shared/data/nifty_option_chain_20260819.csv.gz"
DAY = date(2026, 11, 23)
#: What the path has to carry.
TARGET = 100_000
#: Ticks of one message of the source.
MESSAGE = 1_000
BUFFER = 5_000
REPLAY_SPEED = 1_000.0
_TTL = 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="Of each measurement.")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    # What is started from here on inherits it: feed and server together have one core.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with (
        temporary_home() as home,
        start_servers(home, database_url=None, redis_url=None) as servers,
    ):
        bench = TickBench(redis.Redis.from_url(servers.urls.cache_url), home, options.seconds)
        result = {"machine": described(), **bench.run()}
    write(options.json, result)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A universe that is current for ever."""

    universe: Universe

    def current(self) -> Universe:
        return self.universe

    def refreshed(self) -> Universe:
        return self.universe

    def version(self, version: str) -> Universe | None:
        return self.universe if version == self.universe.version else None


@dataclass
class _Stream:
    """A source of prepared messages, ``interval`` apart in market time, for so many seconds."""

    client: redis.Redis
    universe: Universe
    messages: list[MarketMove]
    interval: timedelta
    seconds: float
    name: str = "stream"
    cadence: timedelta | None = None
    is_continuous: bool = False
    has_market: bool = True
    ticks: int = 0
    #: How late the feed was each time it asked for more, in seconds.
    lags: list[float] = field(default_factory=list)
    cost: dict[str, float] = field(default_factory=dict)

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:  # noqa: ARG002  no seeking here
        # A source begins with all that it knows; what that takes is not measured.
        whole = _message(self.universe, np.arange(len(self.universe)), 0)
        yield whole
        with _measured(self.client) as self.cost:
            began = time.perf_counter()
            at = wall_clock()
            for number, message in zip(count(), cycle(self.messages), strict=False):
                elapsed = time.perf_counter() - began
                if elapsed > self.seconds:
                    return
                self.lags.append(elapsed - (number - 1) * self.interval.total_seconds())
                self.ticks += len(message.rows)
                yield replace(message, at=at + number * self.interval)

    def relisted(self, _universe: Universe) -> None:
        """Return nothing: the messages are prepared."""


@dataclass
class _Watched:
    """A recording that notes how late the feed has taken each snapshot, in seconds."""

    recording: RecordedChain
    speed: float
    lags: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name, self.universe = self.recording.name, self.recording.universe
        self.cadence = self.recording.cadence
        self.is_continuous = False
        self.has_market = True

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:
        began = time.perf_counter()
        for move in self.recording.moves(since):
            yield move
            due = (move.at - self.recording.starts_at).total_seconds() / self.speed
            self.lags.append(time.perf_counter() - began - due)

    def relisted(self, _universe: Universe) -> None:
        """Return nothing, as the recording does."""


class TickBench:
    """All measurements against one server."""

    def __init__(self, client: redis.Redis, home: Path, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._meter = PrometheusMeter(home / "metrics", "node", "feed")
        self._board = RedisQuoteBoard(client, ttl_seconds=_TTL)

    def run(self) -> dict[str, object]:
        """Return every result, printed as it comes."""
        result: dict[str, object] = {}
        chain = generate_chain(ContractFactory(RULES, CALENDAR, DAY), "NIFTY", Decimal(24_000))
        for universe in (Universe(chain), generate_universe(UniversePlan(), RULES, CALENDAR, DAY)):
            size = f"{len(universe)} contracts"
            for shape in (dense, _random):
                messages = [shape(universe, seed) for seed in range(20)]
                self._print(
                    result, f"{size}, {shape.__name__.strip('_')}", self.path(universe, messages)
                )
            self._print(result, f"{size}, restated", self._restated(universe))
            self._print(result, f"{size}, simulator", _simulated(universe))
        self._print(result, "replay", self._replay())
        return result

    def _print(self, result: dict[str, object], name: str, measured: dict[str, Any]) -> None:
        result[name] = measured
        print(name, json.dumps(measured, indent=2), flush=True)

    def path(self, universe: Universe, messages: list[MarketMove]) -> dict[str, object]:
        fastest = self._fed(_Stream(self._client, universe, messages, timedelta(0), self._seconds))
        interval = timedelta(seconds=MESSAGE / TARGET)
        paced = self._fed(_Stream(self._client, universe, messages, interval, self._seconds))
        per_call = self._hashes(universe, messages, pipelined=False)
        piped = self._hashes(universe, messages, pipelined=True)
        ours = cast("float", paced["feed_us_per_tick"]) + cast("float", paced["cache_us_per_tick"])
        return {
            "as_fast_as_it_can": fastest,
            f"at_{TARGET}_ticks_per_second": paced,
            "buffer_alone_us_per_tick": _buffered(universe, messages),
            "buffer_one_by_one_us_per_tick": _buffered_one_by_one(universe, messages),
            "one_call_per_tick": per_call,
            "one_pipeline_of_hashes": piped,
            # Processor time of both, at the rate that the path has to carry.
            "one_call_costs_times": round(_cost(per_call) / ours, 1),
            "one_pipeline_costs_times": round(_cost(piped) / ours, 1),
        }

    def _fed(self, source: _Stream) -> dict[str, object]:
        """Run the feed over a stream; return what it took."""
        self._feed(source, speed=1.0)
        cost = source.cost
        return {
            "ticks_per_second": round(source.ticks / cost["wall"]),
            "feed_us_per_tick": round(cost["feed"] / source.ticks * 1e6, 3),
            "cache_us_per_tick": round(cost["server"] / source.ticks * 1e6, 3),
            "core_share": round((cost["feed"] + cost["server"]) / cost["wall"], 3),
            "latest_message_ms": round(max(source.lags) * 1000, 1) if source.interval else None,
        }

    def _feed(self, source: MarketSource, speed: float) -> None:
        ports = FeedPorts(
            universes=_Fixed(source.universe),
            board=self._board,
            beacon=RedisFeedBeacon(self._client),
            take_command=RedisFeedCommands(self._client).take,
            clock=wall_clock,
            calendar=CALENDAR,
            meter=self._meter,
            carry=lambda *_: None,
            announce=lambda _: None,
            match=lambda *_: True,
            outages=(),
        )
        Feed(source, ports, buffer_size=BUFFER, speed=speed).run(Event())

    def _hashes(
        self, universe: Universe, messages: list[MarketMove], *, pipelined: bool
    ) -> dict[str, float]:
        """Write each quote as a hash under its symbol; return what it took."""
        symbols = list(universe.symbols)
        names = QUOTE.names or ()
        ticks = 0
        with _measured(self._client) as cost:
            ends = time.perf_counter() + self._seconds
            while time.perf_counter() < ends:
                for message in messages:
                    target = self._client.pipeline(transaction=False) if pipelined else self._client
                    for row, quote in zip(
                        message.rows.tolist(), message.quotes.tolist(), strict=True
                    ):
                        fields: Any = dict(zip(names, quote, strict=True))
                        target.hset(f"quote:{symbols[row]}", mapping=fields)
                        ticks += 1
                        if not pipelined and time.perf_counter() > ends:
                            break
                    if isinstance(target, redis.client.Pipeline):
                        target.execute()
                    if time.perf_counter() > ends:
                        break
        self._client.flushdb()
        return {
            "ticks_per_second": round(ticks / cost["wall"]),
            "client_us_per_tick": round(cost["feed"] / ticks * 1e6, 3),
            "cache_us_per_tick": round(cost["server"] / ticks * 1e6, 3),
        }

    def _restated(self, universe: Universe) -> dict[str, float]:
        """Return what the restatement of a whole universe takes, which happens every two seconds."""
        quoting = Quoting(universe, _Fixed(universe), self._board, buffer_size=BUFFER)
        quoting.follow()
        whole = _message(universe, np.arange(len(universe)), 0)
        for piece in quoting.pieces(whole):
            quoting.take(whole, piece, 1)
            quoting.flush(1)
        rounds = 10
        with _measured(self._client) as cost:
            for _ in range(rounds):
                quoting.restate(epoch_ms(wall_clock()))
        return {
            "feed_ms": round(cost["feed"] / rounds * 1000, 2),
            "cache_ms": round(cost["server"] / rounds * 1000, 2),
        }

    def _replay(self) -> dict[str, object]:
        recording, given = _recording()
        source = _Watched(recording, REPLAY_SPEED)
        with _measured(self._client) as cost:
            self._feed(source, REPLAY_SPEED)
        last = recording.snapshots[-1]
        ticks = sum(len(move.rows) for move in recording.moves())
        written = self._board.read_rows(recording.universe, last.rows)
        assert written["last"].tolist() == last.quotes["last"].tolist(), "the end is on the board"
        return {
            "recording": given,
            "speed": REPLAY_SPEED,
            "snapshots": len(recording.snapshots),
            "ticks": ticks,
            "market_seconds": (last.at - recording.starts_at).total_seconds(),
            "wall_seconds": round(cost["wall"], 2),
            "core_share": round((cost["feed"] + cost["server"]) / cost["wall"], 3),
            "behind_at_most_market_seconds": round(max(source.lags) * REPLAY_SPEED, 1),
            "behind_at_the_end_market_seconds": round(source.lags[-1] * REPLAY_SPEED, 1),
        }


def _cost(baseline: dict[str, float]) -> float:
    return baseline["client_us_per_tick"] + baseline["cache_us_per_tick"]


def _recording() -> tuple[RecordedChain, str]:
    """Return the recorded chain where it lies beside the repository, else a simulated morning."""
    if RECORDING.exists():
        return partial(read_chain, rules=RULES, calendar=CALENDAR)(RECORDING), RECORDING.name
    universe = Universe(
        generate_chain(ContractFactory(RULES, CALENDAR, DAY), "NIFTY", Decimal(24_000))
    )
    habits = MarketHabits(step=timedelta(minutes=1), busiest=1.0, quietest=0.5)
    opens = CALENDAR.session(DAY)
    assert opens is not None
    source = Simulator(
        universe, central_strikes(universe), seed=1, starts_at=opens.opens_at, habits=habits
    )
    return RecordedChain(universe, tuple(islice(source.moves(), 100))), "simulated"


def dense(universe: Universe, seed: int) -> MarketMove:
    """Return a message of neighboring rows, as a source sends that walks through its chains."""
    size = min(MESSAGE, len(universe))
    start = seed * size % max(1, len(universe) - size + 1)
    rows = np.arange(start, start + size)
    return _message(universe, np.resize(rows, MESSAGE), seed)


def _random(universe: Universe, seed: int) -> MarketMove:
    """Return a message of random rows, some of them twice."""
    rows = np.random.default_rng(seed).integers(0, len(universe), MESSAGE)
    return _message(universe, rows, seed)


def _message(universe: Universe, rows: NDArray[np.int64], seed: int) -> MarketMove:
    draw = np.random.default_rng(seed)
    quotes = np.zeros(len(rows), QUOTE)
    quotes["last"] = draw.integers(100, 100_000, len(rows))
    quotes["bid"], quotes["ask"] = quotes["last"] - 5, quotes["last"] + 5
    quotes["bid_size"] = quotes["ask_size"] = 650
    quotes["volume"] = quotes["oi"] = draw.integers(1, 10**6, len(rows)) * 65
    spots = np.zeros(len(universe.underlyings), QUOTE)
    spots["last"] = 2_400_000
    futures = np.zeros(len(universe.chains), QUOTE)
    futures["last"] = 2_410_000
    return MarketMove(wall_clock(), rows, quotes, spots, futures)


def _buffered(universe: Universe, messages: list[MarketMove]) -> float:
    """Return the processor time of the buffer alone, drained every fifth message."""
    buffer = TickBuffer(len(universe), capacity=BUFFER)
    rounds = 50

    def run() -> None:
        for number, message in zip(range(rounds * len(messages)), cycle(messages), strict=False):
            buffer.add_ticks_batch(message.rows, message.quotes)
            if number % 5 == 0:
                buffer.drain(0)

    return round(_processor_seconds(run) / (rounds * len(messages) * MESSAGE) * 1e6, 3)


def _buffered_one_by_one(universe: Universe, messages: list[MarketMove]) -> float:
    buffer = TickBuffer(len(universe), capacity=BUFFER)

    def run() -> None:
        for message in messages:
            for row, quote in zip(message.rows.tolist(), message.quotes, strict=True):
                buffer.add_tick(row, quote)
            buffer.drain(0)

    return round(_processor_seconds(run) / (len(messages) * MESSAGE) * 1e6, 3)


def _simulated(universe: Universe) -> dict[str, float]:
    """Return what the simulator takes for a second of the market."""
    session = CALENDAR.session(DAY)
    assert session is not None
    source = Simulator(universe, central_strikes(universe), seed=1, starts_at=session.opens_at)
    moves = source.moves()
    next(moves)
    steps, ticks = 100, 0

    def run() -> None:
        nonlocal ticks
        ticks = sum(len(move.rows) for move in islice(moves, steps))

    seconds = _processor_seconds(run)
    market = steps * source.cadence.total_seconds()
    return {"ticks_per_second": round(ticks / market), "core_share": round(seconds / market, 4)}


def _processor_seconds(action: Callable[[], None]) -> float:
    before = time.process_time()
    action()
    return time.process_time() - before


@contextmanager
def _measured(client: redis.Redis) -> Iterator[dict[str, float]]:
    """Give what the block took: wall, and processor time of this process and of the server."""
    cost: dict[str, float] = {}
    server, feed, wall = _server_seconds(client), time.process_time(), time.perf_counter()
    yield cost
    cost["wall"] = time.perf_counter() - wall
    cost["feed"] = time.process_time() - feed
    cost["server"] = _server_seconds(client) - server


def _server_seconds(client: redis.Redis) -> float:
    usage = cast("dict[str, float]", client.info("cpu"))
    return float(usage["used_cpu_sys"]) + float(usage["used_cpu_user"])


if __name__ == "__main__":
    main()
