"""A relay in front of each server: its address in the network, and the delay of the cable.

``python -m benchmarks.hosts.relays ADDRESS POSTGRES BROKER CACHE`` listens at an address for the sockets
of the three servers.  Each line of its input is a delay in seconds, one way, and is answered.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from angel_x.adapters.children.lineage import dying_with_parent
from angel_x.adapters.servers.places import POSTGRES_SOCKET
from angel_x.adapters.servers.postgres import DATABASE, ROLE
from angel_x.adapters.servers.urls import RedisAddress
from angel_x.rehearsal.chaos.proxy import Proxy

#: Of PostgreSQL, the message broker and the cache.
PORTS = (5432, 6379, 6380)
_DONE = "done"


@dataclass(frozen=True, slots=True)
class Urls:
    """The addresses of the servers."""

    database: str
    broker: str
    cache: str

    def sockets(self) -> tuple[str, str, str]:
        """Return the sockets that these addresses name."""
        (directory,) = parse_qs(urlsplit(self.database).query)["host"]
        redis = (unquote(RedisAddress.parse(url).path) for url in (self.broker, self.cache))
        return (str(Path(directory) / POSTGRES_SOCKET), *redis)  # type: ignore[return-value]


class Relays:
    """The relays of a network, in a process of their own, until it is closed."""

    def __init__(self, address: str, servers: Urls) -> None:
        self.urls = Urls(
            f"postgresql://{ROLE}@{address}:{PORTS[0]}/{DATABASE}",
            f"redis://{address}:{PORTS[1]}/0",
            f"redis://{address}:{PORTS[2]}/0",
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.hosts.relays", address, *servers.sockets()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=dying_with_parent(),  # noqa: PLW1509 - one call into the kernel
        )
        self._answered()

    def delay(self, round_trip_ms: float) -> None:
        """From now on, pass on everything half of a round trip later."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{round_trip_ms / 2e3}\n")
        self._process.stdin.flush()
        self._answered()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)

    def _answered(self) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != _DONE:
            raise RuntimeError("the relays have ended")


def main() -> None:
    """Relay until the input ends."""
    address, *sockets = sys.argv[1:]
    with ExitStack() as stack:
        proxies = [
            stack.enter_context(Proxy((address, port), Path(socket)))
            for port, socket in zip(PORTS, sockets, strict=True)
        ]
        print(_DONE, flush=True)
        for line in sys.stdin:
            for proxy in proxies:
                proxy.delay(float(line))
            print(_DONE, flush=True)


if __name__ == "__main__":
    main()
