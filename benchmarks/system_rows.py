"""Rows of one whole system: an emergency order behind a backlog, and compressed answers."""

from __future__ import annotations

import gzip
import urllib.request

from benchmarks.contention import open_accounts
from benchmarks.emergency import latencies_of, send_emergencies, stopped_workers
from benchmarks.load import Load, angel_x_streams, send_all, wait_until
from benchmarks.rows import Row
from benchmarks.system import System

_ACCOUNTS = 8
_KILOBYTE = 1024


def emergency_row(system: System, backlog: int, count: int) -> Row:
    """Measure emergency orders from accepted to closed, idle and behind a backlog of normal orders."""
    liquid = system.symbols()
    symbols, theirs = liquid[::2], liquid[1::2]
    first, second = open_accounts(system, "emergency", 2)
    keys = open_accounts(system, "load", _ACCOUNTS)
    send_emergencies(system, {"idle": first}, symbols, count)
    with stopped_workers(system):
        load = Load(backlog, batch=min(500, backlog // _ACCOUNTS), connections=2)
        send_all(system.url, angel_x_streams(system.url, load, "load", keys, theirs))
    send_emergencies(system, {"behind": second}, symbols, count)
    wait_until(lambda: not system.waiting(), 600, "the backlog")
    # An order whose contract had no size left rests until the market moves: no matter of speed.
    samples = {
        name: [ms for ms, rested in latencies_of(system, prefix) if not rested]
        for name, prefix in (("idle system", "idle"), ("behind a backlog", "behind"))
    }
    return Row(
        name=f"an emergency order, backlog of {backlog:,}",
        unit="ms",
        reference="idle system",
        measured="behind a backlog",
        samples=samples,
        is_paired=False,
        is_yardstick=False,
    )


def compression_rows(system: System) -> list[Row]:
    """Measure the size of answers on the wire, as they are and compressed, as clients get them."""
    (key,) = open_accounts(system, "reads", 1)
    load = Load(200, 50, 1)
    send_all(system.url, angel_x_streams(system.url, load, "reads", [key], system.symbols()))
    wait_until(lambda: not system.waiting(), 120, "the orders to be read")
    answers = {"order list": "/v1/orders?limit=100", "option chain": "/v1/option-chain/NIFTY"}
    return [
        Row(
            name=f"answer: {name}",
            unit="kB",
            reference="plain",
            measured="compressed",
            samples={
                variant: [_size(system.url + path, key, encoding)]
                for variant, encoding in (("plain", "identity"), ("compressed", "gzip"))
            },
        )
        for name, path in answers.items()
    ]


def _size(url: str, key: str, encoding: str) -> float:
    """Return the kilobytes of an answer as it travels."""
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": encoding}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        body = answer.read()
        assert answer.headers.get("Content-Encoding", "identity") == encoding, url
    if encoding == "gzip":
        gzip.decompress(body)
    return len(body) / _KILOBYTE
