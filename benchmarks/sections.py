"""The parts of ``angel-x bench``: each starts the servers that it needs and returns its rows."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import redis

from angel_x.adapters.servers import start_servers
from angel_x.bootstrap import Application
from angel_x.domain.contracts.contract_rules import ContractFactory
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.contracts.universe_generator import UniversePlan
from angel_x.domain.feed.chain_generator import generate_chain
from benchmarks import ticks
from benchmarks.five import ANGEL_X, NAIVE, five_rows
from benchmarks.load import Load
from benchmarks.margin import margin_row
from benchmarks.matching import Burst, running_application
from benchmarks.record_rows import export_rows, insert_rows
from benchmarks.rows import Row
from benchmarks.side_by_side import SideBySide, baseline_servers
from benchmarks.system import running_system, temporary_home
from benchmarks.system_rows import compression_rows, emergency_row
from benchmarks.universe import running_market
from benchmarks.values import pool_row, slots_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes of one run."""

    rounds: int
    #: Rounds of parts that take seconds each.
    long_rounds: int
    single_orders: int
    listed_orders: int
    backlog: int
    emergencies: int
    matched_orders: int
    contracts: int
    inserts: int
    exported: int
    tick_seconds: float
    values: int


FULL = Sizes(
    rounds=300,
    long_rounds=7,
    single_orders=2_000,
    listed_orders=10_000,
    backlog=50_000,
    emergencies=200,
    matched_orders=2_000,
    contracts=100_000,
    inserts=1_000,
    exported=200_000,
    tick_seconds=1.0,
    values=100_000,
)
QUICK = Sizes(
    rounds=30,
    long_rounds=1,
    single_orders=400,
    listed_orders=0,
    backlog=2_000,
    emergencies=40,
    matched_orders=200,
    contracts=10_000,
    inserts=100,
    exported=20_000,
    tick_seconds=0.2,
    values=20_000,
)


def in_process(sizes: Sizes) -> list[Row]:
    """Measure the work of one process on real servers: the five rows, matching, rows in and rows out."""
    with running_application() as application, five_rows(application) as five:
        rows = five.measure(sizes.rounds)
        rows += insert_rows(application, sizes.long_rounds, sizes.inserts)
        rows += export_rows(application, sizes.long_rounds, sizes.exported)
    with running_application() as application:
        rows.append(matching_row(application, sizes.long_rounds, sizes.matched_orders))
    return rows


def matching_row(application: Application, rounds: int, orders: int) -> Row:
    """Measure resting orders that the market comes to, beside fresh ones that are decided."""
    burst = Burst(application, orders, ticks=10 * orders)
    results = [burst.run(number) for number in range(rounds)]
    return Row(
        name="match a resting order",
        unit="µs",
        reference="decide a fresh one",
        measured="match",
        samples={
            "decide a fresh one": [result["fresh_decided_us_per_order"] for result in results],
            "match": [result["matched_us_per_order"] for result in results],
        },
        is_yardstick=False,
    )


def over_http(sizes: Sizes) -> list[Row]:
    """Measure whole loads end to end over HTTP, on the naive backend and on Angel-X."""
    loads = [Load(sizes.single_orders, 1, 8)]
    if sizes.listed_orders:
        loads.append(Load(sizes.listed_orders, 50, 2))
    with temporary_home() as home, baseline_servers(home) as servers:
        side_by_side = SideBySide(home, servers, {"angel_x": sys.executable})
        return [_load_row(side_by_side, load, sizes.long_rounds) for load in loads]


def _load_row(side_by_side: SideBySide, load: Load, rounds: int) -> Row:
    samples: dict[str, list[float]] = {NAIVE: [], ANGEL_X: []}
    for number in range(rounds):
        found, _ = side_by_side.measure(load, number)
        for variant, key in ((NAIVE, "naive"), (ANGEL_X, "angel_x")):
            samples[variant].append(found[key]["orders_per_second"])  # type: ignore[index]
    return Row(
        name=f"orders over HTTP, {load.name}",
        unit="orders/s",
        reference=NAIVE,
        measured=ANGEL_X,
        samples=samples,
        more_is_better=True,
    )


def whole_system(sizes: Sizes) -> list[Row]:
    """Measure on one whole system: emergencies with and without a backlog, and compressed answers."""
    queue = str(2 * sizes.backlog + 1_000)
    with temporary_home() as home, running_system(home, MAX_QUEUE_SIZE=queue) as system:
        rows = [emergency_row(system, sizes.backlog, sizes.emergencies)]
        return rows + compression_rows(system)


def universe(sizes: Sizes) -> list[Row]:
    """Measure a refresh of all Greeks through Celery, with one and two processes of a worker."""
    rounds = max(sizes.long_rounds, 5)
    samples = {}
    with running_market(UniversePlan(contracts=sizes.contracts)) as market:
        for processes in (1, 2):
            with market.worker("numpy", processes):
                # The first two are not counted.
                walls = [_moved(market.move, market.refresh) for _ in range(rounds + 2)]
                samples[_processes(processes)] = walls[2:]
    return [
        Row(
            name=f"Greeks of {sizes.contracts:,} contracts through Celery",
            unit="ms",
            reference=_processes(1),
            measured=_processes(2),
            samples=samples,
            is_paired=False,
            is_yardstick=False,
        )
    ]


def tick_rows(sizes: Sizes) -> list[Row]:
    """Measure ticks from the buffer to the cache, beside one call of Redis for each."""
    chain = Universe(
        generate_chain(
            ContractFactory(ticks.RULES, ticks.CALENDAR, ticks.DAY), "NIFTY", Decimal(24_000)
        )
    )
    messages = [ticks.dense(chain, seed) for seed in range(20)]
    samples: dict[str, list[float]] = {"one call a tick": [], ANGEL_X: []}
    with (
        _one_core(),
        temporary_home() as home,
        start_servers(home, database_url=None, redis_url=None) as servers,
    ):
        client = redis.Redis.from_url(servers.urls.cache_url)
        bench = ticks.TickBench(client, home, sizes.tick_seconds)
        for _ in range(sizes.long_rounds):
            found: Mapping[str, Mapping[str, float]] = bench.path(chain, messages)  # type: ignore[assignment]
            paced = found[f"at_{ticks.TARGET}_ticks_per_second"]
            call = found["one_call_per_tick"]
            samples[ANGEL_X].append(paced["feed_us_per_tick"] + paced["cache_us_per_tick"])
            samples["one call a tick"].append(
                call["client_us_per_tick"] + call["cache_us_per_tick"]
            )
    return [
        Row(
            name="a tick, processor time of feed and cache",
            unit="µs",
            reference="one call a tick",
            measured=ANGEL_X,
            samples=samples,
        )
    ]


def values(sizes: Sizes) -> list[Row]:
    """Measure orders as values: with and without an object pool, with and without slots."""
    rounds = max(sizes.long_rounds, 6)
    return [pool_row(rounds, sizes.values), slots_row(rounds, sizes.values)]


def margin(sizes: Sizes) -> list[Row]:
    """Measure the margin of a batch of orders, without servers."""
    return [margin_row(sizes.rounds)]


#: Every part by its name, the quickest first.
SECTIONS: Mapping[str, Callable[[Sizes], list[Row]]] = {
    "values": values,
    "margin": margin,
    "process": in_process,
    "ticks": tick_rows,
    "universe": universe,
    "http": over_http,
    "system": whole_system,
}


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep this process, and all that it starts meanwhile, on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _processes(count: int) -> str:
    return "one process" if count == 1 else f"{count} processes"


def _moved(move: Callable[[], None], refresh: Callable[[], float]) -> float:
    move()
    return 1e3 * refresh()
