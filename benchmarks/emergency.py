"""An emergency order behind a deep backlog: accepted to closed, beside the same on an idle system.

``python -m benchmarks.emergency [--backlog N] [--json FILE]``.  The order workers are stopped while
the backlog is built, and go on when the first emergency order is sent.  It trades in other contracts
than the backlog does: an order whose displayed size others have taken waits for the market, not for
the system.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import Load, angel_x_streams, send_all, wait_until
from benchmarks.machine import described, write
from benchmarks.measured import percentiles
from benchmarks.system import System, running_system, submit_one, temporary_home

_ACCOUNTS = 8
#: Single orders that percentiles need: half of them behind the backlog, the first five left out.
FEWEST = 20
_SIDES = ("BUY", "SELL")
_OPEN = (
    "SELECT 1 FROM orders WHERE status = 'received' AND NOT held AND priority = 'emergency' LIMIT 1"
)
_LATENCIES = """
SELECT EXTRACT(EPOCH FROM closed_at - accepted_at)::float8 * 1000,
    EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id AND e.status = 'working')
FROM orders o WHERE client_order_id LIKE '{prefix}%' ORDER BY id OFFSET 5
"""


def main() -> None:
    """Measure and print."""
    options = _options()
    measured = emergency(options.backlog, options.singles)
    result: dict[str, object] = {"machine": described()} | measured
    print(json.dumps(result, indent=2))
    write(options.json, result)


def emergency(backlog: int, singles: int, python: str = sys.executable) -> dict[str, object]:
    """Run a system of its own, and send emergency orders to it before and behind a backlog."""
    queue, singles = str(2 * backlog), max(singles, FEWEST)
    with temporary_home() as home, running_system(home, python, MAX_QUEUE_SIZE=queue) as system:
        liquid = system.symbols()
        symbols, theirs = liquid[::2], liquid[1::2]
        keys = [system.account(f"load{n}") for n in range(_ACCOUNTS)]
        senders = {"idle": system.account("idle")}
        (idle,) = emergencies(system, senders, symbols, singles)
        senders = {"stranger": system.account("stranger"), "own": keys[0]}
        with stopped_workers(system):
            load = Load(backlog, batch=min(500, backlog // _ACCOUNTS), connections=2)
            send_all(system.url, angel_x_streams(system.url, load, "load", keys, theirs))
        behind, own = emergencies(system, senders, symbols, singles // 2)
        still_waiting = _waiting(system)
        wait_until(lambda: not system.waiting(), 600, "the backlog")
    return {
        "ratio_of_p99": round(behind["p99"] / idle["p99"], 2),
        "ratio_of_p99_own": round(own["p99"] / idle["p99"], 2),
        "backlog": backlog,
        "still_waiting": still_waiting,
        "idle_ms": idle,
        "behind_backlog_ms": behind,
        "behind_own_backlog_ms": own,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--singles", type=int, default=300)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def emergencies(
    system: System, senders: Mapping[str, str], symbols: tuple[str, ...], count: int
) -> list[dict[str, float]]:
    """Send emergency orders and return, for each sender, percentiles of accepted to closed."""
    send_emergencies(system, senders, symbols, count)
    return [_latencies(system, name) for name in senders]


def send_emergencies(
    system: System, senders: Mapping[str, str], symbols: tuple[str, ...], count: int
) -> None:
    """Send one emergency order after the other, from each sender in turn, by name and key."""
    for n in range(count):
        for name, key in senders.items():
            symbol = symbols[n // 2 % len(symbols)]
            submit_one(system, key, f"{name}{n}", symbol, _SIDES[n % 2], "emergency")
            wait_until(lambda: not system.query(_OPEN), 30, "one emergency order")


def latencies_of(system: System, prefix: str) -> list[tuple[float, bool]]:
    """Return milliseconds from accepted to closed, and whether the order rested, in their order."""
    rows = system.query(_LATENCIES.format(prefix=prefix))
    return [(float(str(ms)), bool(rested)) for ms, rested in rows]


def _latencies(system: System, prefix: str) -> dict[str, float]:
    rows = latencies_of(system, prefix)
    return {
        "orders": len(rows),
        # Decided at once, and traded when the market came.
        "rested": sum(rested for _, rested in rows),
        **percentiles([ms for ms, _ in rows]),
    }


def _waiting(system: System) -> int:
    ((count,),) = system.query("SELECT count(*) FROM orders WHERE status = 'received'")
    return int(str(count))


@contextmanager
def stopped_workers(system: System) -> Iterator[None]:
    """Keep the order workers from working; the one for emergencies goes on."""
    workers = [process for role, process in system.processes() if role == "orders"]
    for process in workers:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in workers:
            process.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    main()
