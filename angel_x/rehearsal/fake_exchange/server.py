"""The server of the fake exchange: one event loop, for a command or within a test."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import uvicorn
from starlette.applications import Starlette

from angel_x.rehearsal.fake_exchange import inspection, rest
from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.market_socket import MarketTicks
from angel_x.rehearsal.fake_exchange.updates import UpdatesSocket

_Result = TypeVar("_Result")
_PATIENCE_SECONDS = 60.0
_LOGGERS = ("uvicorn.error", "uvicorn.access", "uvicorn.asgi")


def application(exchange: Exchange) -> Starlette:
    """Return the application: REST and sockets."""
    sockets = [*UpdatesSocket(exchange).routes(), *MarketTicks(exchange).routes()]
    return Starlette(routes=[*rest.routes(exchange), *inspection.routes(exchange), *sockets])


def server(exchange: Exchange) -> uvicorn.Server:
    """Return the server of an exchange, which is not started."""
    return uvicorn.Server(
        uvicorn.Config(
            application(exchange),
            http="h11",
            ws="websockets-sansio",
            lifespan="off",
            access_log=False,
            log_config=None,
            # An answer that is cut off on purpose is an error to the server.
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
    )


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 stands for a free one."""
    made = socket.create_server((host, port))
    made.set_inheritable(True)
    # For every connection: head and body of an answer are two writes, and the second would wait for the peer's
    # acknowledgement of the first, 40 ms late.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


class ExchangeServer:
    """Serves an exchange on a free port of this machine from a thread of its own."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        # The server silences loggers of this process.
        self._levels = {name: logging.getLogger(name).level for name in _LOGGERS}
        self._server = server(exchange)
        self._socket = listening("127.0.0.1", 0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fake exchange", daemon=True)

    @property
    def address(self) -> str:
        """Its host and port."""
        host, port = self._socket.getsockname()[:2]
        return f"{host}:{port}"

    @property
    def url(self) -> str:
        """The base address of its REST part."""
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(_PATIENCE_SECONDS)
        self._socket.close()
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)

    def do(self, action: Callable[[Exchange], _Result]) -> _Result:
        """Run an action on the exchange in its own thread, and return its result."""

        async def act() -> _Result:
            return action(self.exchange)

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(_PATIENCE_SECONDS)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve([self._socket]))
