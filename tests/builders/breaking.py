"""A server in front of another one that breaks connections: cleanly or by a reset, at a chosen moment."""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from urllib.parse import unquote

from angel_x.adapters.servers.urls import RedisAddress

#: A host and a port, or the path of a Unix socket.
Address = tuple[str, int] | Path
#: Bytes of a request that are read, or of an answer that are passed on, before the break.
_PART = 3
_ALL = 65536
#: A socket with this option sends a reset when it is closed.
_RESET = struct.pack("ii", 1, 0)


class Moment(Enum):
    """When a connection is broken."""

    IDLE = auto()
    IN_REQUEST = auto()
    IN_ANSWER = auto()


class Manner(Enum):
    """What the client reads then: the end of the stream, or ECONNRESET."""

    END = auto()
    RESET = auto()


BREAKS = [(moment, manner) for moment in Moment for manner in Manner]
#: Those that meet a request which was sent, or an answer.
WITHIN = [each for each in BREAKS if each[0] is not Moment.IDLE]


class Breaker:
    """Passes everything on until it is told to break a connection.  All of it runs in one thread."""

    def __init__(self, upstream: Address) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._woken, self._wake = socket.socketpair()
        self._far: dict[socket.socket, socket.socket] = {}
        self._armed: list[tuple[Moment, Manner]] = []
        self._is_closing = False
        #: How many connections were made, and broken.
        self.made = 0
        self.broken = 0
        self._watch(self._listener, self._accept)
        self._watch(self._woken, self._obey)
        self._thread = threading.Thread(target=self._run, name="breaker", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def break_next(self, moment: Moment, manner: Manner, times: int = 1) -> None:
        """Break all connections before this returns, or so many on which requests come."""
        if moment is Moment.IDLE:
            self._do(lambda: self._break_all(manner))
        else:
            self._do(lambda: self._armed.extend([(moment, manner)] * times))

    def close(self) -> None:
        self._do(lambda: setattr(self, "_is_closing", True))
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # all are sockets
        self._wake.close()
        self._selector.close()

    def _do(self, action: Callable[[], object]) -> None:
        done = threading.Event()

        def act() -> None:
            action()
            done.set()

        self._orders.put(act)
        self._wake.send(b"!")
        assert done.wait(60)

    def _run(self) -> None:
        while not self._is_closing:
            # One event at a time: what it does may close the sockets of the others.
            key, _ = self._selector.select()[0]
            key.data()

    def _obey(self) -> None:
        self._woken.recv(1)
        self._orders.get()()

    def _watch(self, which: socket.socket, action: Callable[[], None]) -> None:
        self._selector.register(which, selectors.EVENT_READ, action)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = self._far[near] = _connected(self._upstream)
        self.made += 1
        self._watch(near, lambda: self._pass_request(near, far))
        self._watch(far, lambda: self._pass_answer(near, far))

    def _pass_request(self, near: socket.socket, far: socket.socket) -> None:
        manner = self._due(Moment.IN_REQUEST)
        data = _received(near, _PART if manner else _ALL)
        if data and manner:
            self._armed.pop(0)
            self._break(near, manner)
        elif data:
            far.sendall(data)
        else:
            self._forget(near)

    def _pass_answer(self, near: socket.socket, far: socket.socket) -> None:
        data = _received(far, _ALL)
        manner = self._due(Moment.IN_ANSWER)
        with contextlib.suppress(OSError):  # the client may have gone
            near.sendall(data[:_PART] if manner else data)
        if data and manner:
            self._armed.pop(0)
            self._break(near, manner)
        elif not data:
            self._forget(near)

    def _due(self, moment: Moment) -> Manner | None:
        return self._armed[0][1] if self._armed and self._armed[0][0] is moment else None

    def _break_all(self, manner: Manner) -> None:
        for near in list(self._far):
            self._break(near, manner)

    def _break(self, near: socket.socket, manner: Manner) -> None:
        self.broken += 1
        if manner is Manner.RESET:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._forget(near)
            return
        near.shutdown(socket.SHUT_WR)
        self._hang_up(self._far.pop(near))
        # Closing a socket with unread bytes would be a reset.
        self._selector.modify(near, selectors.EVENT_READ, lambda: self._drain(near))

    def _drain(self, near: socket.socket) -> None:
        if not _received(near, _ALL):
            self._hang_up(near)

    def _forget(self, near: socket.socket) -> None:
        self._hang_up(near)
        self._hang_up(self._far.pop(near))

    def _hang_up(self, which: socket.socket) -> None:
        self._selector.unregister(which)
        which.close()


def _received(which: socket.socket, size: int) -> bytes:
    try:
        return which.recv(size)
    except OSError:
        return b""


def _connected(address: Address) -> socket.socket:
    if isinstance(address, Path):
        made = socket.socket(socket.AF_UNIX)
        made.connect(str(address))
        return made
    return socket.create_connection(address)


@contextmanager
def breaking_redis(url: str) -> Iterator[tuple[Breaker, str]]:
    """Give a breaker in front of a Redis, and the address of the same database through it."""
    address = RedisAddress.parse(url)
    with breaking(Path(unquote(address.path))) as breaker:
        yield breaker, f"redis://127.0.0.1:{breaker.port}/{address.database}"


@contextmanager
def breaking(upstream: Address) -> Iterator[Breaker]:
    """Give a breaker in front of a server, for as long as it is needed."""
    breaker = Breaker(upstream)
    try:
        yield breaker
    finally:
        breaker.close()
