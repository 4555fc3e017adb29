"""Orders end to end over HTTP, beside the naive backend and a bare psycopg2 loop in the same run.

``python -m benchmarks.orders [--before PYTHON] [--rivals] [--json FILE]``.  Throughput, CPU an order by
process, latency on an idle system and of emergency orders behind a backlog.  Everything runs on this
machine: the servers, every process of the system, and the client, whose CPU is not counted.
``--before`` names the interpreter of another installation, which takes its turn in every load.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.emergency import emergency
from benchmarks.load import Load
from benchmarks.machine import described, write
from benchmarks.measured import medians
from benchmarks.rivals import running as rivals
from benchmarks.side_by_side import SideBySide, baseline_servers
from benchmarks.system import temporary_home
from benchmarks.tables import order_tables


def main() -> None:
    """Measure, print tables for the documentation, and keep everything as JSON."""
    options = _options()
    result = compared(options, _loads(options))
    write(options.json, result)
    if options.backlog:
        result["emergency"] = {
            name: emergency(options.backlog, options.singles, python)
            for name, python in _systems(options).items()
        }
    write(options.json, result)
    print(order_tables(result))


def compared(options: argparse.Namespace, loads: Sequence[Load]) -> dict[str, object]:
    """Put loads on every system, some rounds over, and return the medians with every round.

    Raises:
        SystemExit: The rivals are asked for and not installed.
    """
    if options.rivals and (missing := rivals.missing()):
        raise SystemExit(f"not installed (pip install -e '.[rivals]'): {', '.join(missing)}")
    with temporary_home() as home, baseline_servers(home) as servers:
        side_by_side = SideBySide(home, servers, _systems(options))
        rounds = [_round(side_by_side, options, loads, n) for n in range(options.rounds)]
    return {**medians(rounds), "machine": described(), "rounds": rounds}


def _round(
    side_by_side: SideBySide, options: argparse.Namespace, loads: Sequence[Load], number: int
) -> dict[str, object]:
    result: dict[str, object] = {}
    if options.singles:
        result["idle_latency_ms"] = side_by_side.idle_latency(options.singles, number)
    for load in loads:
        results, written = side_by_side.measure(load, number)
        result[load.name] = results
        print(f"round {number}, {load.name}: {results['ratios']}", file=sys.stderr)
        if options.rivals and load == loads[-1]:
            result["rivals"] = side_by_side.rivals(written)
    return result


def _systems(options: argparse.Namespace) -> dict[str, str]:
    """Return the interpreters to compare, this one last."""
    before = {"before": str(options.before.absolute())} if options.before else {}
    return before | {"angel_x": sys.executable}


def _loads(options: argparse.Namespace) -> list[Load]:
    lists = [Load(options.orders, 50, 2)] if options.orders else []
    # An order over one connection takes longest.
    orders = {c: options.single_orders // (3 if c == 1 else 1) for c in options.connections}
    return lists + [Load(orders[c], 1, c) for c in options.connections]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--orders", type=int, default=20_000, help="of 50 a request; 0 leaves these out"
    )
    parser.add_argument("--single-orders", type=int, default=3_000, help="of one a request")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 64], metavar="N")
    parser.add_argument("--singles", type=int, default=200, help="one after the other, when idle")
    parser.add_argument("--backlog", type=int, default=20_000, help="0 leaves emergencies out")
    parser.add_argument("--rounds", type=int, default=1, help="of which the medians count")
    parser.add_argument("--before", type=Path, metavar="PYTHON")
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
