"""Emergency orders of one account while another account floods the emergency lane, beside an idle system.

``python -m benchmarks.flood [--orders N] [--singles N] [--json FILE]``.  The flood is sent as fast as two
connections take it: first purchases that open positions, then sales that close them.  What is answered
with 429 is not sent again.  From accepted to closed by the database's clock.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

from benchmarks.emergency import FEWEST, emergencies
from benchmarks.load import wait_until
from benchmarks.machine import described, write
from benchmarks.system import System, running_system, temporary_home

_BATCH = 50
_CONNECTIONS = 2
_SETTINGS = {"MAX_QUEUE_SIZE": "100000", "RATE_LIMIT_ENABLED": "true"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=30_000)
    parser.add_argument("--singles", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result: dict[str, object] = {"machine": described()} | flood(options.orders, options.singles)
    print(json.dumps(result, indent=2))
    write(options.json, result)


def flood(orders: int, singles: int, python: str = sys.executable) -> dict[str, object]:
    """Run a system of its own; return latencies on it when idle and under each flood."""
    singles = max(singles, FEWEST)
    with temporary_home() as home, running_system(home, python, **_SETTINGS) as system:
        liquid = system.symbols()
        symbols, theirs = liquid[::2], liquid[1::2]
        key = system.account("flood")
        (idle,) = emergencies(system, {"idle": system.account("idle")}, symbols, singles)
        with _flooded(system, key, _orders("opening", "BUY", theirs, orders)) as opening:
            sender = {"opened": system.account("opened")}
            (while_opening,) = emergencies(system, sender, symbols, singles)
        _settle(system)
        _hold(system, key, theirs, orders)
        with _flooded(system, key, _orders("closing", "SELL", theirs, orders)) as closing:
            sender = {"closed": system.account("closed")}
            (while_closing,) = emergencies(system, sender, symbols, singles)
        _settle(system)
    return {
        "ratio_of_p99_opening": round(while_opening["p99"] / idle["p99"], 2),
        "ratio_of_p99_closing": round(while_closing["p99"] / idle["p99"], 2),
        "orders": orders,
        "idle_ms": idle,
        "while_opening_ms": while_opening,
        "while_closing_ms": while_closing,
        "answers_opening": dict(opening),
        "answers_closing": dict(closing),
    }


def _orders(
    prefix: str, side: str, symbols: Sequence[str], count: int, priority: str = "emergency"
) -> Iterator[dict[str, object]]:
    for n in range(count):
        yield {
            "client_order_id": f"{prefix}{n}",
            "symbol": symbols[n % len(symbols)],
            "side": side,
            "quantity": 65,
            "priority": priority,
        }


def _hold(system: System, key: str, symbols: Sequence[str], count: int) -> None:
    """Buy the positions that the second flood closes, as far as the market sells them."""
    answers: Counter[int] = Counter()
    _send(system.url, key, _orders("hold", "BUY", symbols, count, "normal"), answers, Event())
    _settle(system)


def _settle(system: System) -> None:
    wait_until(lambda: not system.waiting(), 600, "the flood to end")


@contextmanager
def _flooded(
    system: System, key: str, orders: Iterator[dict[str, object]]
) -> Iterator[Counter[int]]:
    """Flood the system meanwhile; yield the answers by status, complete at the end."""
    answers: Counter[int] = Counter()
    end = Event()
    every = list(orders)
    parts = [iter(every[n::_CONNECTIONS]) for n in range(_CONNECTIONS)]
    threads = [Thread(target=_send, args=(system.url, key, part, answers, end)) for part in parts]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        end.set()
        for thread in threads:
            thread.join()


def _send(
    url: str, key: str, orders: Iterator[dict[str, object]], answers: Counter[int], end: Event
) -> None:
    """Send orders, many a request, until there are none or ``end`` is set."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=120)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    while not end.is_set() and (batch := list(islice(orders, _BATCH))):
        connection.request("POST", "/v1/orders", json.dumps({"orders": batch}), headers)
        answer = connection.getresponse()
        answer.read()
        answers[answer.status] += len(batch)
    connection.close()


if __name__ == "__main__":
    main()
