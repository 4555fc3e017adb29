"""The rate of valid clients beside slow, silent and unknown ones.

``python -m benchmarks.crowd [--orders N] [--rounds N] [--quick] [--json FILE]``.  Valid clients send one
order a request over kept connections that they open anew for each load: alone, beside requests that
arrive a byte a second, beside 10,000 connections that say nothing, and beside clients that ask with
invalid keys as fast as they are refused.  The API has its default bounds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.crowd.clients import READY
from benchmarks.load import Load, angel_x_streams, send_all, wait_until
from benchmarks.machine import described, write
from benchmarks.system import System, running_system, temporary_home

#: Of the rate alone that valid clients keep.
AIM = 0.7
_ACCOUNTS = 8
_CONNECTIONS = 8
_END_SECONDS = 60.0
_SETTINGS = {"MAX_QUEUE_SIZE": "100000", "LOG_LEVEL": "warning"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of crowd, and its number of connections."""

    name: str
    title: str
    connections: int
    few: int


KINDS = (
    Kind("slow", "requests that arrive a byte a second", 1_000, 50),
    Kind("silent", "connections that say nothing", 10_000, 200),
    Kind("bad-keys", "connections that ask with invalid keys", 500, 8),
)


def main() -> None:
    """Measure and print."""
    options = _options()
    result = crowded(options.orders, options.rounds, is_small=options.quick)
    write(options.json, result)
    print(table(result))


def crowded(orders: int, rounds: int, *, is_small: bool = False) -> dict[str, object]:
    """Run a system of its own; return the rates and the counts by kind of crowd."""
    with temporary_home() as home, running_system(home, **_SETTINGS) as system:
        keys = [system.account(f"load{n}") for n in range(_ACCOUNTS)]
        symbols = system.symbols()
        _rate(system, keys, symbols, "warm", orders)
        found: dict[str, object] = {"machine": described(), "orders": orders}
        for kind in KINDS:
            size = kind.few if is_small else kind.connections
            alone, beside, counts = [], [], list[dict[str, int]]()
            for number in range(rounds):
                prefix = f"{kind.name}{number}"
                alone.append(_rate(system, keys, symbols, f"a{prefix}", orders))
                with _crowd(kind.name, system.url, size, counts):
                    beside.append(_rate(system, keys, symbols, f"b{prefix}", orders))
            found[kind.name] = {
                "title": f"{size:,} {kind.title}",
                "alone": alone,
                "beside": beside,
                "kept": round(median(beside) / median(alone), 3),
                "crowds": counts,
            }
    return found


def table(result: Mapping[str, object]) -> str:
    """Return the table of the documentation."""
    lines = ["| beside | orders a second alone | beside them | kept |", "| --- | --- | --- | --- |"]
    for kind in KINDS:
        row = result[kind.name]
        assert isinstance(row, dict)
        alone, beside = (f"{median(row[name]):,.0f}" for name in ("alone", "beside"))
        lines.append(f"| {row['title']} | {alone} | {beside} | {row['kept']:.0%} |")
    return "\n".join(lines)


def _rate(
    system: System, keys: Sequence[str], symbols: Sequence[str], prefix: str, orders: int
) -> float:
    """Return orders a second that clients of their own connections send and get accepted."""
    load = Load(orders, 1, _CONNECTIONS)
    streams = angel_x_streams(system.url, load, prefix, keys, symbols)
    seconds = send_all(system.url, streams)
    wait_until(lambda: not system.waiting(), 600, "deciding the orders")
    return round(sum(map(len, streams)) / seconds, 1)


@contextmanager
def _crowd(kind: str, url: str, size: int, counts: list[dict[str, int]]) -> Iterator[None]:
    """Have a crowd meanwhile, in a process of its own; add its outcomes to ``counts``."""
    command = [sys.executable, "-m", "benchmarks.crowd.clients", kind, url, str(size)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != READY:
                raise RuntimeError(f"the crowd did not begin: {kind}")
            yield
            said, _ = process.communicate(timeout=_END_SECONDS)
            counts.append(json.loads(said))
        finally:
            process.kill()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2_000, help="of each load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small crowds")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
