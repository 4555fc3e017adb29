"""Unwelcome clients: slow ones, silent ones, and ones without a valid key.

``python -m benchmarks.crowd.clients KIND URL COUNT`` keeps that many connections, from some addresses of
this machine, until its input ends, and prints their outcomes.  They give way to every other program
on the processor: such clients are usually other machines.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

READY = "ready"
#: As many as one address may have connections by default.
_BY_ADDRESS = 500
#: Connections that are made at a time.
_AT_ONCE = 200
_CONNECT_SECONDS = 30.0
#: Between two bytes of a slow request.
_SLOW_SECONDS = 1.0
#: A client whose connection has ended comes back after so long.
_RETURN_SECONDS = 10.0
_HEAD = b"POST /v1/orders HTTP/1.1\r\nHost: test\r\nX-Slow: "
_BAD = "GET /v1/orders HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ax_{n:012x}_{zeros}\r\n\r\n"
_SHORTEST_STATUS = 12

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Crowd:
    """Connections of one kind, and their outcomes."""

    def __init__(self, url: str, count: int) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port
        self._count = count
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._numbers = 0
        self.counts: Counter[str] = Counter()
        #: Connections whose first attempt has an outcome.
        self.begun = 0
        self.kinds: Mapping[str, Talk] = {
            "slow": self._slow,
            "silent": self._silent,
            "bad-keys": self._bad_keys,
        }

    async def keep(self, kind: str) -> None:
        """Keep every connection, for ever."""
        talk = self.kinds[kind]
        await asyncio.gather(*(self._keep(n, talk) for n in range(self._count)))

    async def all_have_begun(self) -> None:
        while self.begun < self._count:
            await asyncio.sleep(0.05)

    async def _keep(self, number: int, talk: Talk) -> None:
        is_first = True
        while True:
            try:
                reader, writer = await self._connected(number)
            except (OSError, TimeoutError):
                self.counts["not connected"] += 1
                writer = None
            self.begun += is_first
            is_first = False
            if writer is not None:
                self.counts["connections"] += 1
                with suppress(OSError, asyncio.IncompleteReadError):
                    await talk(reader, writer)
                self.counts["ended by the API"] += 1
                writer.close()
            await asyncio.sleep(_RETURN_SECONDS)

    async def _connected(self, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        source = f"127.0.1.{1 + number // _BY_ADDRESS}"
        async with self._gate, asyncio.timeout(_CONNECT_SECONDS):
            return await asyncio.open_connection(self._host, self._port, local_addr=(source, 0))

    async def _slow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send a request a byte a second."""
        writer.write(_HEAD)
        while not reader.at_eof():
            writer.write(b"a")
            await writer.drain()
            with suppress(TimeoutError):
                async with asyncio.timeout(_SLOW_SECONDS):
                    self._count_status(await reader.read(4096))

    async def _silent(self, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        """Connect, and say nothing."""
        while answer := await reader.read(4096):
            self._count_status(answer)

    async def _bad_keys(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask with one invalid key after the other, as fast as each is refused."""
        while not reader.at_eof():
            self._numbers += 1
            writer.write(_BAD.format(n=self._numbers, zeros="0" * 64).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            self._count_status(head)
            length = next(
                line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            await reader.readexactly(int(length.partition(b":")[2]))

    def _count_status(self, answer: bytes) -> None:
        if len(answer) >= _SHORTEST_STATUS:
            self.counts[answer[9:12].decode(errors="replace")] += 1


async def _crowd(kind: str, url: str, count: int) -> None:
    crowd = Crowd(url, count)
    keeping = asyncio.create_task(crowd.keep(kind))
    await crowd.all_have_begun()
    print(READY, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    keeping.cancel()
    print(json.dumps(crowd.counts), flush=True)


def main() -> None:
    """Keep a crowd until the input ends."""
    kind, url, count = sys.argv[1:]
    os.nice(19)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with suppress(asyncio.CancelledError):
        asyncio.run(_crowd(kind, url, int(count)))


if __name__ == "__main__":
    main()
