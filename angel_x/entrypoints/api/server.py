"""The process that serves the API."""

from __future__ import annotations

import asyncio
import signal
import socket
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from angel_x.adapters.logging import configure_logging
from angel_x.bootstrap import build
from angel_x.entrypoints.api.application import create_app
from angel_x.entrypoints.api.bounded_http import BoundedHttp, BoundedState
from angel_x.entrypoints.api.http_bounds import HttpBounds
from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from fastapi import FastAPI

    from config.settings import Settings

#: The time for running requests to end at shutdown.
_GRACE_SECONDS = 10
#: Longer than the 60 seconds after which usual proxies close idle connections, so that they do it.
_KEEP_ALIVE_SECONDS = 75
#: Seconds between two looks for requests that are late.
_LOOK_SECONDS = 0.25


class ApiServer(uvicorn.Server):
    """A server that bounds its clients, and answers all of them before it stops.

    It ends the event streams when it stops; they would not end by themselves.
    """

    def __init__(self, app: FastAPI, *, host: str, port: int, bounds: HttpBounds) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="uvloop",
                http=BoundedHttp,
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._app = app
        meter = app.state.application.base.meter
        self._bounded = self.server_state = BoundedState(bounds, meter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._looks = asyncio.create_task(self._look())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._bounded.is_draining = True
        self._app.state.subscriptions.close()
        await super().shutdown(sockets)
        self._looks.cancel()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = loop.time()
            self._bounded.look(now, stalled=max(0.0, now - looked - _LOOK_SECONDS))
            looked = now


def run(settings: Settings, descriptor: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM, on a listening socket that was inherited if one is named."""
    configure_logging(settings, "api")
    # uvicorn raises the signal again after its shutdown; this handler lets the application close.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    sockets = None if descriptor is None else [_inherited(descriptor)]
    application = build(settings, role="api")
    try:
        app = create_app(application)
        bounds = HttpBounds.of(settings)
        server = ApiServer(app, host=settings.api_host, port=settings.api_port, bounds=bounds)
        server.run(sockets)
    finally:
        application.close()


def _inherited(descriptor: int) -> socket.socket:
    """Return a listening socket that the parent has opened.

    Raises:
        InvalidInput: The descriptor is not one.
    """
    try:
        listener = socket.socket(fileno=descriptor)
        is_listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise InvalidInput(
            f"--fd must be a listening socket, was {descriptor} ({error})"
        ) from error
    if not is_listening:
        raise InvalidInput(f"--fd must be a listening socket, was {descriptor}")
    return listener


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
