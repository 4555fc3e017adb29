"""Loads: orders, grouped into requests and spread over connections, and a client that sends them."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

_ACCEPTED = (200, 202)
_BUSY = 429
_BUSY_SECONDS = 0.05
_QUANTITY = 65

#: The bytes that each connection sends, one request after the other.
Streams = Sequence[Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    """Orders of one account, by its number."""

    account: int
    orders: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class Load:
    """Orders of a number of accounts over a number of connections.

    Each connection buys and sells contracts of its own for its accounts, in turn, so that no order
    depends on the order of another connection and the accounts stay near flat.
    """

    orders: int
    batch: int
    connections: int
    priority: str = "normal"

    @property
    def name(self) -> str:
        """Say how many orders travel together, over how many connections."""
        plural = "" if self.connections == 1 else "s"
        return f"{self.batch} a request, {self.connections} connection{plural}"

    def requests(
        self, prefix: str, accounts: int, symbols: Sequence[str]
    ) -> Iterator[list[Request]]:
        """Yield the requests of each connection."""
        count = max(1, self.orders // self.connections // self.batch)
        for connection in range(self.connections):
            senders = self._accounts(connection, accounts)
            own = symbols[connection // accounts :: max(1, self.connections // accounts)]
            yield [
                self._request(
                    f"{prefix}-{connection}", senders[n % len(senders)], own, n // len(senders)
                )
                for n in range(count)
            ]

    def _request(self, prefix: str, account: int, symbols: Sequence[str], number: int) -> Request:
        numbers = range(number * self.batch, (number + 1) * self.batch)
        orders = tuple(self._order(f"{prefix}-{account}", n, symbols) for n in numbers)
        return Request(account, orders)

    def _accounts(self, connection: int, accounts: int) -> Sequence[int]:
        """Return the accounts that a connection sends for."""
        if self.connections >= accounts:
            return (connection % accounts,)
        return range(connection, accounts, self.connections)

    def _order(self, prefix: str, number: int, symbols: Sequence[str]) -> dict[str, object]:
        return {
            "client_order_id": f"{prefix}-{number}",
            "symbol": symbols[number // 2 % len(symbols)],
            "side": ("BUY", "SELL")[number % 2],
            "quantity": _QUANTITY,
            "order_type": "MARKET",
            "priority": self.priority,
        }


def angel_x_streams(
    url: str, load: Load, prefix: str, keys: Sequence[str], symbols: Sequence[str]
) -> Streams:
    """Write the requests of a load as Angel-X takes them: one order by itself, more as a list."""

    def written(request: Request) -> bytes:
        body = {"orders": request.orders} if load.batch > 1 else request.orders[0]
        return post(f"{url}/v1/orders", body, {"Authorization": f"Bearer {keys[request.account]}"})

    return [
        [written(request) for request in requests]
        for requests in load.requests(prefix, len(keys), symbols)
    ]


def post(url: str, body: object, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes of a request."""
    address, content = urlsplit(url), json.dumps(body).encode()
    lines = [
        f"POST {address.path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


def send_all(url: str, streams: Streams) -> float:
    """Send every stream over a kept-alive connection of its own; return the seconds it took.

    One thread and as little work as possible: the client shares the machine with what is measured.
    A busy system is asked again.

    Raises:
        RuntimeError: A request was not accepted.
    """
    address = urlsplit(url)
    started = time.monotonic()
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for stream in streams:
            opened = socket.create_connection((address.hostname, address.port))
            connection = _Connection(stack.enter_context(opened), stream)
            selector.register(opened, selectors.EVENT_READ, connection)
            connection.send()
        while selector.get_map():
            for key, _ in selector.select():
                if key.data.is_done():
                    selector.unregister(key.fileobj)
    return time.monotonic() - started


class _Connection:
    """A connection and the requests that it still has to send."""

    def __init__(self, opened: socket.socket, stream: Sequence[bytes]) -> None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = opened
        self._stream = stream
        self._sent = 0
        self._received = b""

    def send(self) -> None:
        self._socket.sendall(self._stream[self._sent])

    def is_done(self) -> bool:
        """Read what has come, send the next request after a whole answer; say whether none is left."""
        self._received += self._socket.recv(65_536)
        if not self._received:
            raise RuntimeError("the server hung up")
        if (status := _status(self._received)) is None:
            return False
        if status == _BUSY:
            time.sleep(_BUSY_SECONDS)
        elif status in _ACCEPTED:
            self._sent += 1
        else:
            raise RuntimeError(f"{status}: {self._received[:400]!r}")
        self._received = b""
        if self._sent == len(self._stream):
            return True
        self.send()
        return False


def _status(received: bytes) -> int | None:
    """Return the status of an answer, None while a part of it is missing."""
    head, blank, body = received.partition(b"\r\n\r\n")
    if not blank:
        return None
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    if len(body) < int(lengths[0].partition(b":")[2]):
        return None
    return int(head[9:12])


def wait_until(holds: Callable[[], bool], seconds: float, what: str, every: float = 0.02) -> None:
    """Wait for a condition, and look at it every so many seconds.

    Raises:
        TimeoutError: It did not come to hold.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {seconds:.0f} s")
        time.sleep(every)
