"""A proxy between a program and its server that cuts, holds, delays or refuses its traffic.

It runs on a thread of its own; every method may be called from any thread.  A program that connects
through it sees the effects of a broken network.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from angel_x.rehearsal.chaos.cut import Chunk, Cut, Point
from angel_x.rehearsal.chaos.fine_selector import FineSelector

_Result = TypeVar("_Result")

#: A host and a port, or the path of a Unix socket.
Address = tuple[str, int] | Path
#: The wait for the proxy's thread in seconds.
_PATIENCE = 10.0
#: Two chunks that are due at the same instant would change places.
_APART = 1e-6
#: Of connections between hosts: a host that is gone answers no question, and its connection ends.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 10_000}
#: Bytes of the passed stream that are kept.
_LONGEST_PATTERN = 256


@dataclass(slots=True)
class Count:
    """Counts of a proxy."""

    connections: int = 0
    refused: int = 0
    cut: int = 0
    held_bytes: int = 0
    delayed_chunks: int = 0


class Proxy:
    """Listens at one address and passes on to another, for as long as it is open."""

    def __init__(self, listen: Address, upstream: Address) -> None:
        self.listen = listen
        self.upstream = upstream
        self.count = Count()
        self._cuts: list[Cut] = []
        self._links: set[_Link] = set()
        #: The ends that are connected, those of cut links too.
        self._ends: set[_End] = set()
        self._holds = False
        self._refuses = False
        self._delay = 0.0
        self._loop = asyncio.SelectorEventLoop(FineSelector())
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None

    def open(self) -> None:
        """Start to listen; port 0 becomes the port that was found."""
        self._thread.start()
        self._server = self._call(self._listening())
        if not isinstance(self.listen, Path):
            host, port = self._server.sockets[0].getsockname()[:2]
            self.listen = (host, port)

    def close(self) -> None:
        """Cut every connection and stop; a second call does nothing."""
        if not self._thread.is_alive():
            return
        self._call(self._closing())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def arm(self, pattern: bytes, point: Point, nth: int = 1) -> Cut:
        """Cut the connection on which these bytes pass next."""
        cut = Cut(pattern, point, nth)
        self._do(lambda: self._cuts.append(cut))
        return cut

    def disarm(self, cut: Cut) -> None:
        """Let the bytes pass after all; a finished cut is left as it is."""
        self._do(lambda: self._cuts.remove(cut) if cut in self._cuts else None)

    def cut_all(self) -> int:
        """Cut every connection that is open now; return how many there were."""

        def cut() -> int:
            links = list(self._links)
            for link in links:
                link.cut()
            return len(links)

        return self._do(cut)

    def hold(self) -> None:
        """Hold back all bytes from either side, like a network with a pulled cable."""
        self._do(lambda: setattr(self, "_holds", True))

    def release(self) -> None:
        """Pass on the held bytes, in order, to connections that are still open."""

        def let_go() -> None:
            self._holds = False
            for link in list(self._links):
                link.release()

        self._do(let_go)

    def refuse(self, *, refuses: bool) -> None:
        """From now on, refuse new connections, or accept them again."""
        self._do(lambda: setattr(self, "_refuses", refuses))

    def delay(self, seconds: float) -> None:
        """From now on, pass on everything so much later."""
        self._do(lambda: setattr(self, "_delay", seconds))

    def _do(self, action: Callable[[], _Result]) -> _Result:
        async def act() -> _Result:
            return action()

        return self._call(act())

    def _call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    async def _listening(self) -> asyncio.Server:
        if isinstance(self.listen, Path):
            return await self._loop.create_unix_server(self._accept, self.listen)
        return await self._loop.create_server(self._accept, *self.listen)

    async def _closing(self) -> None:
        assert self._server is not None
        self._refuses = True
        for link in list(self._links):
            link.cut()
        # asyncio forgets the sockets of connections that are being made when a server closes.
        while making := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*making, return_exceptions=True)
        self._server.close()
        while self._ends:
            for end in self._ends:
                end.abort()
            await asyncio.sleep(0)
        if isinstance(self.listen, Path):
            self.listen.unlink(missing_ok=True)

    def _accept(self) -> _End:
        return _Link(self).near

    # What follows is called by the links, on the proxy's own thread.

    def admit(self, link: _Link) -> bool:
        """Count a connection; return whether it may stay."""
        if self._refuses:
            self.count.refused += 1
            return False
        self.count.connections += 1
        self._links.add(link)
        return True

    def forget(self, link: _Link) -> None:
        self._links.discard(link)

    def connected(self, end: _End) -> None:
        self._ends.add(end)

    def disconnected(self, end: _End) -> None:
        self._ends.discard(end)

    async def dial(self, end: _End) -> None:
        """Connect the far end of a link."""
        if isinstance(self.upstream, Path):
            await self._loop.create_unix_connection(lambda: end, str(self.upstream))
        else:
            await self._loop.create_connection(lambda: end, *self.upstream)

    def passes(self, link: _Link, chunk: Chunk) -> bool:
        """Return whether a chunk may pass; where it may not, the link has been cut."""
        for cut in list(self._cuts):
            if cut.meets(chunk, link.awaited):
                self._cuts.remove(cut)
                self.count.cut += 1
                link.cut()
                cut.finish(chunk.fresh)
                return False
        return True

    def holds(self, size: int) -> bool:
        """Return whether bytes are held back, and count them if so."""
        if self._holds:
            self.count.held_bytes += size
        return self._holds

    def due(self, last: float) -> float:
        """Return when a chunk is passed on that comes now behind one due at ``last``."""
        now = self._loop.time()
        if not self._delay and last <= now:
            return now
        self.count.delayed_chunks += 1
        return max(now + self._delay, last + _APART)

    def later(self, due: float, action: Callable[[], None]) -> None:
        """Act at once if that is due, else when it is."""
        if due <= self._loop.time():
            action()
        else:
            self._loop.call_at(due, action)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._loop.create_task(work)


class _Link:
    """One connection of a program, and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.near = _End(self, is_request=True)
        self.far = _End(self, is_request=False)
        #: Cuts whose request has passed this link.
        self.awaited: set[Cut] = set()
        self._dialing: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Dial the server for a program that has connected, or hang up on it."""
        if self.proxy.admit(self):
            self._dialing = self.proxy.spawn(self._dial())
        else:
            self.near.abort()

    async def _dial(self) -> None:
        try:
            await self.proxy.dial(self.far)
        except OSError:
            # Without the server the connection of the program is refused too.
            self.cut()
        else:
            self.near.flush()

    def other(self, end: _End) -> _End:
        return self.far if end is self.near else self.near

    def release(self) -> None:
        self.near.flush()
        self.far.flush()

    def cut(self) -> None:
        """End both connections without a word."""
        self.proxy.forget(self)
        if self._dialing is not None:
            self._dialing.cancel()
        self.near.abort()
        self.far.abort()


class _End(asyncio.Protocol):
    """One side of a link; its bytes go to the other side."""

    def __init__(self, link: _Link, *, is_request: bool) -> None:
        self._link = link
        self._is_request = is_request
        self._transport: asyncio.Transport | None = None
        self._before = b""
        #: Bytes that wait for the other side; None is the end of the stream.
        self._waiting: list[bytes | None] = []
        self._last_due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        _watch_peer(transport.get_extra_info("socket"))
        self._link.proxy.connected(self)
        if self._is_request:
            self._link.begin()

    def data_received(self, data: bytes) -> None:
        chunk = Chunk(data, self._before, self._is_request)
        self._before = (self._before + data)[-_LONGEST_PATTERN:]
        if self._link.proxy.passes(self._link, chunk):
            self._link.proxy.holds(len(data))
            self._waiting.append(data)
            self.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._link.proxy.disconnected(self)
        self._waiting.append(None)
        self.flush()

    def pause_writing(self) -> None:
        self._link.other(self).pause(pauses=True)

    def resume_writing(self) -> None:
        self._link.other(self).pause(pauses=False)

    def pause(self, *, pauses: bool) -> None:
        """Read no further until the other side has taken the bytes."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.pause_reading if pauses else self._transport.resume_reading)()

    def flush(self) -> None:
        """Pass on waiting bytes, unless the proxy holds them or the other side is not connected."""
        if self._link.proxy.holds(0) or not self._link.other(self).is_connected:
            return
        chunks, self._waiting = self._waiting, []
        for chunk in chunks:
            self._last_due = self._link.proxy.due(self._last_due)
            self._link.proxy.later(self._last_due, self._sending(chunk))

    def _sending(self, chunk: bytes | None) -> Callable[[], None]:
        other = self._link.other(self)
        return other.close if chunk is None else lambda: other.write(chunk)

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    def write(self, chunk: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(chunk)

    def close(self) -> None:
        """End this side once its written bytes are taken."""
        self._link.proxy.forget(self._link)
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _watch_peer(end: socket.socket) -> None:
    """Have the kernel ask the peer of a silent connection between hosts whether it lives."""
    if end.family is socket.AF_UNIX:
        return
    end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        # Not every system has each of them.
        if hasattr(socket, name):
            end.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
