"""Orders a second at a broker that answers after 40 ms, by worker processes and their threads.

``python -m benchmarks.live [--seconds S] [--json FILE]``.  Each thread places one resting order after the
other at a fake exchange, through the client and the budget of the fleet.  The ideal is threads by latency, or
the budget where that is less.  The exchange counts what it lets in, and what was over its limit.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

from angel_x.adapters.angel_one.calls import Rate
from angel_x.adapters.angel_one.client import AngelOne
from angel_x.adapters.angel_one.limits import limits_in_force
from angel_x.adapters.angel_one.wire import Turn
from angel_x.adapters.clock import wall_clock
from angel_x.adapters.market_tables import market_tables
from angel_x.adapters.servers import start_servers
from angel_x.adapters.servers.urls import ServerUrls
from angel_x.bootstrap import broker
from angel_x.errors import BudgetSpent
from angel_x.rehearsal.chaos import raised_limits
from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.faults import Fault, Faults
from angel_x.rehearsal.fake_exchange.listings import Listing
from angel_x.rehearsal.fake_exchange.server import ExchangeServer
from angel_x.rehearsal.fake_exchange.serving import client_settings
from benchmarks.machine import described, write
from benchmarks.suite import used_by_others
from benchmarks.system import temporary_home
from benchmarks.tables import markdown
from config.loading import load

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

LATENCY_SECONDS = 0.040
#: Worker processes, and threads of each.
_FLEETS = ((1, 1), (1, 2), (1, 4), (1, 8), (2, 4), (2, 8))
#: The budgets as times the broker's own; the first one is out of reach.
_BUDGETS = {"1,000 times the broker's": 1_000, "10 times the broker's": 10, "the broker's": 1}
_IDLE = 0.10
_PATIENCE_SECONDS = 120.0
_SPAWN = multiprocessing.get_context("spawn")
_LOT = 65
_LISTING = Listing(
    "40001", "NIFTY25AUG2624000CE", "NFO", "NIFTY", date(2026, 8, 25), Decimal(24_000), "CE", _LOT,
    Decimal("0.05"), 1_800,
)  # fmt: skip
_ORDER = {
    "variety": "NORMAL",
    "tradingsymbol": _LISTING.trading_symbol,
    "symboltoken": _LISTING.token,
    "transactiontype": "BUY",
    "exchange": "NFO",
    "ordertype": "LIMIT",
    "producttype": "CARRYFORWARD",
    "duration": "DAY",
    "price": "95.00",
    "quantity": str(_LOT),
}


@dataclass(frozen=True, slots=True)
class Fleet:
    """Worker processes with as many threads each, and the orders that they placed within some seconds."""

    workers: int
    threads: int
    #: Times the broker's own budget.
    budget: int
    orders: int
    orders_per_second: float
    ideal_per_second: float
    #: Requests that the exchange refused, because they were over a limit.
    over_budget: int

    @property
    def share(self) -> float:
        """The orders a second as a part of the ideal."""
        return self.orders_per_second / self.ideal_per_second


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    before = used_by_others()
    rows = measured(options.seconds)
    others = [before, used_by_others()]
    result: dict[str, object] = {
        "machine": described(),
        "busy": max(others) > _IDLE,
        "used_by_others": others,
        "latency_ms": LATENCY_SECONDS * 1e3,
        "live_fleets": rows,
    }
    print(live_table(result))
    write(options.json, result)


def measured(seconds: float) -> list[dict[str, object]]:
    """Return a row for each budget and fleet, each with an exchange of its own and empty servers."""
    with (
        temporary_home() as home,
        start_servers(home, database_url=None, redis_url=None) as servers,
    ):
        return [
            {"name": name, **asdict(found), "share": round(found.share, 3)}
            for name, times in _BUDGETS.items()
            for workers, threads in _FLEETS
            for found in [fleet(home, servers.urls, (workers, threads), times, seconds)]
        ]


def fleet(home: Path, urls: ServerUrls, size: tuple[int, int], times: int, seconds: float) -> Fleet:
    """Measure workers with threads for some seconds, in a budget of so many times the broker's."""
    raised_limits.write(home, times)
    for url in (urls.broker_redis_url, urls.cache_url):
        with closing(redis.Redis.from_url(url)) as client:
            client.flushall()
    environ = {
        "ANGEL_X_ENV": "testing",
        "ANGEL_X_MARKET_TABLES": str(home),
        "ANGEL_X_BROKER_URL": urls.broker_url,
        "ANGEL_X_CACHE_URL": urls.cache_url,
    }
    with _exchange(environ) as (variables, count_over):
        orders = _placed({**environ, **variables}, *size, seconds)
        over = count_over()
    permitted = limits_in_force(market_tables(load(environ)), wall_clock)(Rate.ORDERS)
    a_second = next(most for span, most in permitted if span == 1)
    ideal = min(size[0] * size[1] / LATENCY_SECONDS, a_second)
    return Fleet(*size, times, orders, round(orders / seconds, 1), ideal, over)


@contextmanager
def _exchange(environ: Mapping[str, str]) -> Iterator[tuple[dict[str, str], Callable[[], int]]]:
    """Run an exchange in a process; yield the settings of a client, and the count of refused requests."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(theirs, dict(environ)), daemon=True)
    process.start()
    theirs.close()

    def count_over() -> int:
        ours.send("over")
        return int(ours.recv())

    try:
        yield ours.recv(), count_over
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, environ: dict[str, str]) -> None:
    limits = limits_in_force(market_tables(load(environ)), wall_clock)
    slow = Faults(rates={Fault.SLOW: 1.0}, slow_seconds=LATENCY_SECONDS)
    made = Exchange(
        [_LISTING], now=wall_clock, monotonic=time.monotonic, limits=limits, faults=slow
    )
    made.quote_all(Decimal(100), Decimal("100.50"), 100 * _LOT)
    with ExchangeServer(made) as server:
        lines = client_settings(made, server.url)
        pipe.send(dict(line.removeprefix("export ").split("=", 1) for line in lines))
        while pipe.recv():
            pipe.send(server.do(lambda each: sum(each.throttle.over.values())))


def _placed(environ: dict[str, str], workers: int, threads: int, seconds: float) -> int:
    """Return the orders that were answered within so many seconds."""
    start, counts = _SPAWN.Barrier(workers), _SPAWN.Queue()
    arguments = (environ, threads, seconds, start, counts)
    processes = [_SPAWN.Process(target=_work, args=arguments, daemon=True) for _ in range(workers)]
    for process in processes:
        process.start()
    found = sum(int(counts.get(timeout=_PATIENCE_SECONDS)) for _ in processes)
    for process in processes:
        process.join()
    return found


def _work(
    environ: dict[str, str], threads: int, seconds: float, start: Barrier, counts: Queue[int]
) -> None:
    # The broker of an empty Redis is not to be waited for.
    broker._QUIET_SECONDS = 0.0  # noqa: SLF001 - nothing was sent before
    with closing(broker.build_broker(load(environ))) as client:
        client.login()
        start.wait(_PATIENCE_SECONDS)
        end = time.monotonic() + seconds
        with ThreadPoolExecutor(threads) as pool:
            counts.put(sum(pool.map(lambda _: _orders(client, end), range(threads))))


def _orders(client: AngelOne, end: float) -> int:
    """Place one order after the other; return how many were answered before the end."""
    count = 0
    while time.monotonic() < end:
        try:
            client.place(_ORDER, Turn(until=end))
        except BudgetSpent:
            break
        count += time.monotonic() <= end
    return count


def live_table(run: Mapping[str, Any]) -> str:
    """Return the table of a run."""
    head = ["budget", "workers, threads of each", "orders/s", "ideal", "part", "over budget"]
    cells = [
        [
            row["name"],
            f"{row['workers']}, {row['threads']}",
            f"{row['orders_per_second']:,.1f}",
            f"{row['ideal_per_second']:,.0f}",
            f"{row['share'] * 100:.0f} %",
            row["over_budget"],
        ]
        for row in run["live_fleets"]
    ]
    return markdown(head, cells)


if __name__ == "__main__":
    main()
