"""The process that serves the API."""

from __future__ import annotations

import signal
import socket
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from angel_x.adapters.logging import configure_logging
from angel_x.bootstrap import build
from angel_x.entrypoints.api.application import create_app

if TYPE_CHECKING:
    from fastapi import FastAPI

    from config.settings import Settings

#: The time for running requests to end at shutdown.
_GRACE_SECONDS = 10


class ApiServer(uvicorn.Server):
    """A server that ends the event streams when it stops; they would not end by themselves."""

    def __init__(self, app: FastAPI, *, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="uvloop",
                http="httptools",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.subscriptions.close()
        await super().shutdown(sockets)


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    configure_logging(settings, "api")
    # uvicorn raises the signal again after its shutdown; this handler lets the application close.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    application = build(settings, role="api")
    try:
        app = create_app(application)
        ApiServer(app, host=settings.api_host, port=settings.api_port).run()
    finally:
        application.close()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
