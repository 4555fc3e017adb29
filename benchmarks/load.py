"""Submitting orders as fast as a few client processes can."""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from urllib.parse import urlsplit

_BUSY = 429


@dataclass(frozen=True, slots=True)
class Share:
    """What one client process submits."""

    url: str
    key: str
    prefix: str
    symbols: tuple[str, ...]
    orders: int
    batch: int
    priority: str = "normal"


def submit_all(shares: Sequence[Share], processes: int) -> float:
    """Submit every share, as many at once as there are processes; return the seconds it took."""
    started = time.monotonic()
    with get_context("spawn").Pool(processes) as pool:
        pool.map(submit_share, shares, chunksize=1)
    return time.monotonic() - started


def submit_share(share: Share) -> int:
    """Submit one share over one kept-alive connection; a busy system is asked again."""
    address = urlsplit(share.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    headers = {"Authorization": f"Bearer {share.key}", "Content-Type": "application/json"}
    for start in range(0, share.orders, share.batch):
        numbers = range(start, min(start + share.batch, share.orders))
        body = json.dumps({"orders": [order(share, n) for n in numbers]})
        _post(connection, "/v1/orders", body, headers)
    return share.orders


def order(share: Share, number: int) -> dict[str, object]:
    """Purchases and sales in turn, so that the account stays near flat."""
    return {
        "client_order_id": f"{share.prefix}-{number}",
        "symbol": share.symbols[(number // 2) % len(share.symbols)],
        "side": ("BUY", "SELL")[number % 2],
        "quantity": 65,
        "order_type": "MARKET",
        "priority": share.priority,
    }


def submit_each(url: str, bodies: Sequence[str], connections: int) -> float:
    """POST each body by itself over some connections at once; return the seconds it took."""
    address, counter = urlsplit(url), itertools.count()

    def run(_: int) -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        while (n := next(counter)) < len(bodies):
            _post(connection, address.path, bodies[n], {"Content-Type": "application/json"})

    started = time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(run, range(connections)))
    return time.monotonic() - started


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It did not come to hold.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {seconds:.0f} s")
        time.sleep(0.02)


def _post(
    connection: http.client.HTTPConnection, path: str, body: str, headers: dict[str, str]
) -> None:
    while True:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        content = response.read()
        if response.status in (200, 202):
            return
        if response.status != _BUSY:
            raise RuntimeError(f"{response.status}: {content[:200]!r}")
        time.sleep(0.05)
