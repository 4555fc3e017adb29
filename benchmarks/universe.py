"""A universe of 100,000 contracts from quotes to published Greeks and risk arrays, through Celery.

``python -m benchmarks.universe [--rounds N] [--minutes M] [--json FILE]``.  Every contract moves in every
round.  The time of a round runs from the moment at which ``greeks.refresh`` is sent until the last chunk is in
the cache; what its parts take comes from the metrics of the workers.  Workers, servers and this process share
the cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from celery import Celery
from numpy.typing import NDArray

from angel_x.adapters.logging import configure_logging
from angel_x.adapters.metrics import metrics_directory
from angel_x.adapters.metrics.exporter import registry
from angel_x.adapters.postgres import schema
from angel_x.adapters.servers import start_servers
from angel_x.bootstrap import Application, build
from angel_x.domain.calendar.expiry import epoch_ms, years_to_expiry
from angel_x.domain.calendar.session import IST
from angel_x.domain.chains.chunks import cut_chunks
from angel_x.domain.contracts.contract_rules import ContractRules
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.contracts.universe_generator import UniversePlan, generate_universe
from angel_x.domain.operations.metric import Metric
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.quotes.quote import QUOTE
from benchmarks.load import wait_until
from benchmarks.machine import described, write
from benchmarks.system import temporary_home
from config.celery_options import celery_options
from config.loading import load
from config.market import table
from config.queues import QueueName
from config.task_names import TaskName

RATE = 0.065
TICK_PAISE = 5
SEED = 20261123
#: Seconds that the quotes of a round may take to be refreshed.
PATIENCE = 30.0
#: Seconds between two refreshes while memory is watched.
PERIOD = 2.0
STAGES = ("read", "compute", "write")


def main() -> None:
    """Measure and print."""
    options = _options()
    backends = [name for name in ("numpy", "numba") if name == "numpy" or find_spec("numba")]
    result: dict[str, object] = {"machine": described()}
    with running_market() as market:
        result["contracts"] = len(market.universe)
        result["chains"] = len(market.universe.chains)
        for backend, processes in product(backends, (1, 2)):
            with market.worker(backend, processes) as worker:
                name = f"{backend}, {processes} process{'es' if processes > 1 else ''}"
                result[name] = worker.rounds(options.rounds)
                print(name, json.dumps(result[name]), file=sys.stderr, flush=True)
        with market.worker(backends[-1], 1) as worker:
            result["memory"] = worker.memory(options.refreshes, options.minutes)
        result["refresh_when_nothing_moved_ms"] = market.quiet_refresh_ms()
        result["snapshot"] = market.snapshot()
    print(json.dumps(result, indent=2))
    write(options.json, result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--refreshes", type=int, default=60, help="with memory watched")
    parser.add_argument("--minutes", type=float, default=0.0, help="watch memory for so long")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


class Market:
    """Servers, a universe of made contracts, and quotes that move."""

    def __init__(
        self, home: Path, application: Application, environ: dict[str, str], plan: UniversePlan
    ) -> None:
        self.application = application
        self.environ = environ
        self.universe = _list_universe(application, plan)
        self._home = home
        self._prices = Prices(self.universe, application.base.clock())
        self._sender = Celery("bench", set_as_current=False)
        self._sender.conf.update(celery_options(application.base.settings))

    def move(self) -> None:
        """Write another quote for every contract and underlying."""
        now_ms = epoch_ms(self.application.base.clock())
        quotes, spots = self._prices.moved(now_ms)
        board = self.application.market.feed_ports.board
        board.write(self.universe, np.arange(len(self.universe)), quotes)
        board.write_spots(self.universe, spots)

    def refresh(self) -> float:
        """Ask for a refresh through Celery and return the seconds until all of it is published."""
        pending = self._last_of_chunks()
        before = [self._head(key) for key in pending]
        started = time.perf_counter()
        self._sender.send_task(
            TaskName.REFRESH_GREEKS.value, queue=QueueName.GREEKS.value, ignore_result=True
        )
        while pending and time.perf_counter() < started + PATIENCE:
            # One cheap question at a time: this process shares the cores with the workers.
            if self._head(pending[-1]) not in (b"", before[len(pending) - 1]):
                pending.pop()
            else:
                time.sleep(0.001)
        assert not pending, f"not published within {PATIENCE} s"
        return time.perf_counter() - started

    def _last_of_chunks(self) -> list[str]:
        """Return the key of the last chain of every chunk, which is written last."""
        index = self.universe.chain_index
        version, chunks = self.universe.version, cut_chunks(self.universe)
        return [f"ax:greeks:{version}:{index[stop - 1]}" for _, stop in chunks]

    def _head(self, key: str) -> object:
        return self.application.base.cache.getrange(key, 0, 23)

    def quiet_refresh_ms(self) -> float:
        """Return the least time of a refresh that finds nothing to do."""
        times = []
        for _ in range(10):
            started = time.perf_counter()
            asked = self.application.analytics.greeks.refresh()
            times.append((time.perf_counter() - started) * 1e3)
            assert asked == 0, f"nothing moved, and {asked} chunks were asked for"
        return round(min(times), 2)

    def snapshot(self) -> dict[str, float]:
        """Copy the Greeks to the database, all new and then unchanged."""
        times = []
        for _ in range(2):
            started = time.perf_counter()
            rows = self.application.analytics.greeks_archive.snapshot()
            times.append((rows, round(time.perf_counter() - started, 2)))
        (first, new), (_, unchanged) = times
        return {"rows": first, "seconds": new, "unchanged_seconds": unchanged}

    @contextmanager
    def worker(self, backend: str, processes: int) -> Iterator[_Worker]:
        """Run one worker that has so many processes."""
        environ = {**os.environ, **self.environ, "ANGEL_X_PRICING_BACKEND": backend}
        options = f"-n greeks@bench -Q greeks -c {processes} --without-mingle --without-gossip"
        command = [sys.executable, "-m", "celery", "-A", "tasks.app", "worker", *options.split()]
        log_file = self._home / f"{backend}-{processes}.log"
        with log_file.open("w") as log:
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        try:
            wait_until(lambda: "ready." in log_file.read_text(), 60, "starting")
            yield _Worker(self, psutil.Process(process.pid), processes)
        finally:
            process.terminate()
            process.wait(30)
            noise = [x for x in log_file.read_text().splitlines() if "Traceback" in x]
            assert not noise, log_file.read_text()[-4000:]


@dataclass
class _Worker:
    """A running worker and what it does in a round."""

    market: Market
    process: psutil.Process
    processes: int

    def rounds(self, count: int) -> dict[str, object]:
        """Move and refresh everything so many times, after two rounds that are not counted."""
        for _ in range(2):
            self.market.move()
            self.market.refresh()
        before, walls = self._totals(), []
        for _ in range(count):
            self.market.move()
            walls.append(self.market.refresh() * 1e3)
        after = self._totals()
        parts = {name: (after[name] - before[name]) * 1e3 / count for name in after}
        if self.processes == 1:
            # What is left is messages: sent, taken, acknowledged.
            parts["messages"] = sum(walls) / count - sum(parts.values())
        return {
            "wall_ms": _spread(walls),
            # Means of a round; those of two processes overlap.
            "parts_ms": {name: round(part, 1) for name, part in parts.items()},
            "resident_mb": self._resident_mb(),
        }

    def memory(self, refreshes: int, minutes: float) -> dict[str, float]:
        """Refresh for a while and return what a child keeps, and by how much one grows.

        A child is replaced after some thousands of tasks, so growth is that of the one which lived
        longest, once its first refreshes have filled what is kept for good.
        """
        started = time.monotonic()
        seen: list[tuple[int, float]] = []
        while len(seen) < refreshes or time.monotonic() < started + 60 * minutes:
            due = time.monotonic() + PERIOD
            self.market.move()
            self.market.refresh()
            seen.append(self._largest())
            if minutes:
                time.sleep(max(0.0, due - time.monotonic()))
        lives = Counter(pid for pid, _ in seen)
        longest = max(lives, key=lambda pid: lives[pid])
        sizes = np.array([mb for pid, mb in seen if pid == longest])
        settled = sizes[len(sizes) // 4 :]
        return {
            "refreshes": len(seen),
            "seconds": round(time.monotonic() - started, 1),
            "children": len(lives),
            "most_mb": max(mb for _, mb in seen),
            "longest_life_refreshes": len(sizes),
            "longest_life_first_mb": sizes[0],
            "longest_life_settled_mb": settled[0],
            "longest_life_last_mb": sizes[-1],
            "settled_slope_kb_per_refresh": _slope(settled) * 1e3,
        }

    def _totals(self) -> dict[str, float]:
        """Return the seconds that every part has taken so far, from the metrics."""
        page = registry(metrics_directory(Path(self.market.environ["ANGEL_X_HOME"])), [])
        found = {
            stage: page.get_sample_value(
                f"{Metric.GREEKS_STAGE_SECONDS.value}_sum", {"stage": stage}
            )
            for stage in STAGES
        }
        found["refresh"] = page.get_sample_value(f"{Metric.GREEKS_REFRESH_SECONDS.value}_sum")
        return {name: total or 0.0 for name, total in found.items()}

    def _resident_mb(self) -> float:
        """Return what the largest child holds."""
        return self._largest()[1]

    def _largest(self) -> tuple[int, float]:
        """Return the id and MB of the largest child; one that is being replaced is waited for."""
        while True:
            with suppress(psutil.NoSuchProcess):
                sizes = [(c.memory_info().rss, c.pid) for c in self.process.children()]
                if sizes:
                    resident, pid = max(sizes)
                    return pid, round(resident / 1e6, 1)
            time.sleep(0.1)


def _slope(values: NDArray[np.float64]) -> float:
    """Return the slope of the least squares line, a step apart."""
    turns = np.arange(len(values))
    return round(float(np.polyfit(turns, values, 1)[0]), 5) if len(values) > 1 else 0.0


class Prices:
    """Premiums with a smile around spots that wander."""

    def __init__(self, universe: Universe, now: datetime) -> None:
        self.universe = universe
        self._random = np.random.default_rng(SEED)
        self._spots = _spots(universe)
        self._turn = 0
        self._years = years_to_expiry(universe.expires_at, now.timestamp())

    def moved(self, now_ms: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
        universe, random = self.universe, self._random
        self._spots = self._spots * (1 + random.normal(0, 1e-3, len(self._spots)))
        spot = self._spots[universe.underlying_index]
        wings = np.log(universe.strike / spot)
        sigma = 0.15 + 0.4 * wings**2 - 0.05 * wings
        years, call = self._years, universe.is_call
        price = greeks(spot, universe.strike, years, RATE, 0.0, sigma, call)["price"]
        ticks = np.maximum(np.round(price * 100 / TICK_PAISE), 2).astype(np.int32)
        quotes = _quotes(len(universe), now_ms, ticks * TICK_PAISE)
        quotes["bid"] -= TICK_PAISE
        quotes["ask"] += TICK_PAISE
        # A cheap stock may wander back to the paisa that it was at; here everything moves.
        self._turn = 1 - self._turn
        return quotes, _quotes(
            len(self._spots), now_ms, 2 * np.round(self._spots * 50) + self._turn
        )


def _quotes(count: int, now_ms: int, paise: NDArray[np.generic]) -> NDArray[np.void]:
    quotes = np.zeros(count, QUOTE)
    quotes["time"] = now_ms
    for name in ("bid", "ask", "last"):
        quotes[name] = paise
    return quotes


def _spots(universe: Universe) -> NDArray[np.float64]:
    """Return a spot for each underlying: the middle of its strikes."""
    owners = universe.underlying_index
    sums = np.bincount(owners, universe.strike, len(universe.underlyings))
    return sums / np.bincount(owners, minlength=len(universe.underlyings))


@contextmanager
def running_market(plan: UniversePlan | None = None) -> Iterator[Market]:
    """Start servers and list a universe on them, by default of 100,000 contracts."""
    with (
        temporary_home() as home,
        start_servers(home, database_url=None, redis_url=None) as servers,
    ):
        environ = {
            "ANGEL_X_HOME": str(home),
            "ANGEL_X_NODE": "bench",
            "ANGEL_X_DATABASE_URL": servers.urls.database_url,
            "ANGEL_X_BROKER_URL": servers.urls.broker_redis_url,
            "ANGEL_X_CACHE_URL": servers.urls.cache_url,
            "ANGEL_X_CACHE_TTL_MARKET_DATA": "3600",
        }
        # Nothing is loaded before there is a schema, and what this process does is not counted.
        own = {
            "ANGEL_X_METRICS_ENABLED": "false",
            "ANGEL_X_LOG_LEVEL": "error",
            "ANGEL_X_WARM_CACHE_ON_STARTUP": "false",
        }
        settings = load({**environ, **own})
        configure_logging(settings, "bench")
        with closing(build(settings, role="bench")) as application:
            schema.upgrade(application.base.engine)
            yield Market(home, application, environ, plan or UniversePlan())


def _list_universe(application: Application, plan: UniversePlan) -> Universe:
    rules = ContractRules.from_table(table("contracts"))
    today = application.base.clock().astimezone(IST).date()
    universe = generate_universe(plan, rules, application.base.calendar, today)
    listing = application.market.contracts
    listing.store.replace(universe)
    listing.publish(universe.version)
    found = application.market.universes.version(universe.version)
    assert found is not None, "the universe is current"
    return found


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "least": round(min(values), 1),
        "median": round(median(values), 1),
        "most": round(max(values), 1),
    }


if __name__ == "__main__":
    main()
