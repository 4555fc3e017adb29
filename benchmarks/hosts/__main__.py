"""Order workers on several hosts of one machine: network namespaces, with a delay to the servers.

``python -m benchmarks.hosts [--hosts N] [--round-trips MS ...] [--orders N] [--quick] [--json FILE]``.  One
host has PostgreSQL, both Redis servers and every process that decides no order; each of the others has
order workers, an emergency worker and a relay.  A relay in front of each server delays everything by
half of the round trip, each way, since not every kernel has netem.  All hosts share the cores of this
machine.  Then one host is lost with everything on it, and one is cut off and comes back.  Needs root.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from angel_x.entrypoints.up.system import System as Running
from benchmarks.hosts.base import serve
from benchmarks.hosts.fleet import SERVERS, Fleet, Loaded
from benchmarks.hosts.network import Network, refusal
from benchmarks.load import wait_until
from benchmarks.machine import described, write
from benchmarks.system import temporary_home

_WARM_UP = 400
_ALONE = 200
_LOAD_SECONDS = 600.0
_NO_NETWORK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of a run."""

    hosts: int
    #: Milliseconds to the servers and back; the first is that of the faults.
    round_trips_ms: tuple[float, ...]
    orders: int
    #: Order processes of each host.
    processes: int
    #: How long a host is cut off.
    split_seconds: float


def main() -> None:
    """Measure, print the tables of the documentation, and end with 1 where anything was lost."""
    options = _options()
    if reason := refusal():
        print(reason, file=sys.stderr)
        sys.exit(_NO_NETWORK)
    result = measured(_size(options))
    write(options.json, result)
    print(tables(result))
    sys.exit(0 if holds(result) else 1)


def measured(size: Size) -> dict[str, object]:
    """Run a system on hosts of its own; return its loads, its faults, and the proof of its orders."""
    found: dict[str, object] = {"machine": described(), "size": asdict(size)}
    with temporary_home() as home, ExitStack() as stack:
        names = [SERVERS, *(f"workers{n + 1}" for n in range(size.hosts))]
        network = stack.enter_context(Network(names))
        network.enter(SERVERS)
        fleet = Fleet(network, home, size.processes, stack)

        def work(running: Running) -> None:
            try:
                fleet.begin(running)
                found["loads"] = _loads(fleet, size)
                found["faults"] = _faults(fleet, size)
                found["proof"] = fleet.lost()
            finally:
                fleet.end()

        serve(home / "system", fleet.prepare, work)
    return found


def holds(result: Mapping[str, object]) -> bool:
    """Say whether no order was lost, left undecided or traded twice."""
    proof = result["proof"]
    assert isinstance(proof, dict)
    return not any(value for name, value in proof.items() if name != "sent")


def _loads(fleet: Fleet, size: Size) -> list[dict[str, object]]:
    found = []
    for count in range(1, size.hosts + 1):
        if count > len(fleet.hosts):
            fleet.add_host()
        fleet.delay(0)
        fleet.load(f"warm{count}", _WARM_UP)
        for number, ms in enumerate(size.round_trips_ms):
            fleet.delay(ms)
            found.append(asdict(_told(fleet.load(f"h{count}r{number}", size.orders))))
    return found


def _faults(fleet: Fleet, size: Size) -> dict[str, object]:
    """Lose the last host, and cut off the one before it; the others go on."""
    fleet.delay(size.round_trips_ms[0])
    *_, cut_off, lost = fleet.hosts
    found: dict[str, object] = {}
    with fleet.loaded_meanwhile("lost", size.orders) as load:
        _await_part(fleet, "lost", size.orders)
        lost.lose()
    found["a host is lost"] = asdict(_told(load[0]))
    with fleet.loaded_meanwhile("split", size.orders) as load:
        _await_part(fleet, "split", size.orders)
        fleet.split(cut_off, size.split_seconds)
    found["a host is cut off and comes back"] = asdict(_told(load[0]))
    fleet.decides_alone(cut_off, _ALONE)
    return found


def _await_part(fleet: Fleet, prefix: str, orders: int) -> None:
    wait_until(lambda: fleet.accepted(prefix) >= orders // 3, _LOAD_SECONDS, prefix)


def _told(load: Loaded) -> Loaded:
    print(load, file=sys.stderr, flush=True)
    return load


def tables(result: Mapping[str, object]) -> str:
    """Return the tables of the documentation."""
    loads, faults = result["loads"], result["faults"]
    assert isinstance(loads, list)
    assert isinstance(faults, dict)
    return "\n".join([*_load_lines(loads), "", *_fault_lines(faults), "", str(result["proof"])])


def _load_lines(loads: Sequence[Mapping[str, object]]) -> list[str]:
    hosts = sorted({int(str(load["hosts"])) for load in loads})
    head = "".join(f" {n} host{'s' * (n > 1)} | emergency p99 |" for n in hosts)
    lines = [f"| to the servers and back |{head}", f"|{' --- |' * (1 + 2 * len(hosts))}"]
    for trip in dict.fromkeys(load["round_trip_ms"] for load in loads):
        row = [load for load in loads if load["round_trip_ms"] == trip]
        cells = "".join(f" {_rate(load)} | {_emergency(load, 'p99')} |" for load in row)
        lines.append(f"| {row[0]['measured_ms']} ms |{cells}")
    return lines


def _fault_lines(faults: Mapping[str, Mapping[str, object]]) -> list[str]:
    lines = [
        "| while | orders a second | the slowest order | emergency p50 | p99 | slowest |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, load in faults.items():
        cells = " | ".join(_emergency(load, part) for part in ("p50", "p99", "max"))
        lines.append(f"| {name} | {_rate(load)} | {load['slowest_seconds']} s | {cells} |")
    return lines


def _rate(load: Mapping[str, object]) -> str:
    return f"{float(str(load['orders_per_second'])):,.0f}"


def _emergency(load: Mapping[str, object], part: str) -> str:
    times = load["emergency_ms"]
    assert isinstance(times, dict)
    return f"{times[part]:,.0f} ms"


def _size(options: argparse.Namespace) -> Size:
    small = options.quick
    return Size(
        hosts=options.hosts or (2 if small else 3),
        round_trips_ms=tuple(options.round_trips or ((0.5,) if small else (0.5, 0.0, 2.0, 5.0))),
        orders=options.orders or (400 if small else 20_000),
        processes=options.processes,
        split_seconds=options.split_seconds or (5.0 if small else 20.0),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, choices=range(2, 10), metavar="N")
    parser.add_argument("--round-trips", type=float, nargs="+", metavar="MS")
    parser.add_argument("--orders", type=int, help="of each load, of 50 a request")
    parser.add_argument("--processes", type=int, default=2, help="order processes of each host")
    parser.add_argument("--split-seconds", type=float)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
