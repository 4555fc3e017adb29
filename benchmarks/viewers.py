"""The cost of the desk's viewers to orders, and their memory over time, without a browser.

``python -m benchmarks.viewers [--viewers N] [--rounds R] [--minutes M] [--json FILE]``.  Single orders over
eight connections with and without viewers of a hundred moving strikes, in turn; then, for ``--minutes``, the
memory of the desk while they look on.  The viewers' own process gives way to everything else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from angel_x.rehearsal.soak.trend import growth
from benchmarks.contention import throughput
from benchmarks.cpu import between
from benchmarks.load import Load, wait_until
from benchmarks.machine import described, write
from benchmarks.system import System, running_system, temporary_home

_PORT = "18325"
_URL = f"http://127.0.0.1:{_PORT}"
#: Four expiries of NIFTY with a hundred strikes each.
_CONTRACTS = ("--underlyings", "1", "--expiries", "3", "--contracts", "800")
_SAMPLE_SECONDS = 10.0
_LOOK_SECONDS = 2.0
#: Cores of a desk that paints no chain.
_AT_REST = 0.05
#: Of the time, at first: allocators and caches fill.
_WARM_UP = 1 / 6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--orders", type=int, default=3_000, help="of each round, one a request")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings = {"DESK_ENABLED": "true", "DESK_PORT": _PORT, "MAX_QUEUE_SIZE": "100000"}
    result: dict[str, object] = {"machine": described(), "viewers": options.viewers}
    with temporary_home() as home, running_system(home, **settings) as system:
        system.angel_x("contracts", "generate", *_CONTRACTS)
        key = system.account("viewer")
        if options.rounds:
            result["beside_orders"] = beside_orders(system, key, options)
        if options.minutes:
            result["memory"] = memory(system, key, options.viewers, options.minutes * 60)
    print(json.dumps(result, indent=2))
    write(options.json, result)


def beside_orders(system: System, key: str, options: argparse.Namespace) -> dict[str, object]:
    """Return the orders a second with and without viewers, and the cores of desk and API beyond those without."""
    senders = [system.account(f"sender{number}") for number in range(8)]
    load = Load(options.orders, 1, 8)
    throughput(system, load, "warm", senders)
    found: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    for number in range(options.rounds):
        wait_until(lambda: _desk_cores(system) < _AT_REST, 300, "the desk's rest", every=1.0)
        found["without"].append(_round(system, load, f"without{number}", senders))
        with watching(key, options.viewers):
            found["with"].append(_round(system, load, f"with{number}", senders))
    medians = {
        name: {what: round(median(each[what] for each in rounds), 3) for what in rounds[0]}
        for name, rounds in found.items()
    }
    ratios = [
        after["orders_a_second"] / before["orders_a_second"]
        for before, after in zip(found["without"], found["with"], strict=True)
    ]
    return {"ratio_of_orders_a_second": round(median(ratios), 3), **medians, "rounds": found}


def _desk_cores(system: System) -> float:
    """Return the cores that the desk uses now.

    A page whose browser has left is painted until the desk gives it up, a minute later.
    """
    before = system.cpu_seconds()
    time.sleep(_LOOK_SECONDS)
    return between(before, system.cpu_seconds()).get("desk", 0.0) / _LOOK_SECONDS


def _round(system: System, load: Load, prefix: str, keys: list[str]) -> dict[str, float]:
    began, before = time.monotonic(), system.cpu_seconds()
    rate = throughput(system, load, prefix, keys)
    seconds, used = time.monotonic() - began, between(before, system.cpu_seconds())
    cores = {f"{role}_cores": used.get(role, 0.0) / seconds for role in ("desk", "api")}
    return {
        "orders_a_second": rate,
        "cpu_us_an_order": sum(used.values()) / load.orders * 1e6,
        **cores,
    }


def memory(system: System, key: str, viewers: int, seconds: float) -> dict[str, object]:
    """Return the memory of the desk before, with and after viewers, and its growth while they look on."""
    before = _desk_mb(system)
    times, sizes = [], []
    with watching(key, viewers) as watched:
        began = time.monotonic()
        while (since := time.monotonic() - began) < seconds:
            times.append(since)
            sizes.append(_desk_mb(system))
            time.sleep(_SAMPLE_SECONDS)
    first = int(len(times) * _WARM_UP)
    grown = growth(times[first:], sizes[first:])
    return {
        "minutes": round(seconds / 60, 1),
        "mb_before": before,
        "mb_at_first": sizes[first],
        "mb_at_last": sizes[-1],
        "mb_a_viewer": round((sizes[-1] - before) / viewers, 2),
        "growth_mb": {
            "median": round(grown.growth, 2),
            "low": round(grown.low, 2),
            "high": round(grown.high, 2),
        },
        "taken": watched,
    }


def _desk_mb(system: System) -> float:
    return sum(mb for name, mb in system.resident_mb().items() if name.startswith("desk "))


@contextmanager
def watching(key: str, viewers: int) -> Iterator[dict[str, int]]:
    """Let viewers look at the chain meanwhile; yield the patches and bytes that they took, complete at the end."""
    command = [
        "nice",
        "-n",
        "19",
        sys.executable,
        "-m",
        "benchmarks.headless_viewers",
        _URL,
        str(viewers),
    ]
    taken: dict[str, int] = {}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{key}\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != "watching":
            raise RuntimeError("the viewers saw no chain")
        try:
            yield taken
        finally:
            process.terminate()
            taken |= json.loads(process.stdout.readline())


if __name__ == "__main__":
    main()
