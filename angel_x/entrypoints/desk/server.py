"""The process that serves the desk."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.api_access import api_address, client_of
from angel_x.entrypoints.desk import pages
from angel_x.entrypoints.desk.accounts import WatchedAccounts
from angel_x.entrypoints.desk.gate import DeskGate
from angel_x.entrypoints.desk.login import LoginRoutes
from angel_x.entrypoints.desk.sessions import LoginSessions

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from config.settings import Settings

_GRACE_SECONDS = 3
#: A page whose browser was away for longer is loaded again when it comes back.
_RECONNECT_SECONDS = 60.0


def create_app(settings: Settings, accounts: WatchedAccounts) -> ASGIApp:
    """Return the application.  NiceGUI allows one in a process."""
    sessions = LoginSessions(settings.desk_session_hours * 3600, monotonic)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/livez", _livez)
    app.include_router(
        LoginRoutes(
            sessions, accounts, settings.home_path, lambda: wall_clock().timestamp()
        ).router()
    )
    assets = str(files("angel_x.entrypoints.desk") / "static")
    app.mount("/assets", StaticFiles(directory=assets))
    pages.install(sessions)
    ui.run_with(
        app,
        title="Angel-X",
        favicon=Path(assets) / "icon.svg",
        dark=None,
        tailwind=False,
        language="en-US",
        reconnect_timeout=_RECONNECT_SECONDS,
        show_welcome_message=False,
        binding_refresh_interval=None,
    )
    nicegui_app.on_shutdown(sessions.close_all)
    return DeskGate(app, sessions)


async def _livez() -> Response:
    return JSONResponse({"alive": True})


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    configure_logging(settings, "desk")
    uvicorn.run(
        create_app(settings, WatchedAccounts(client_of(api_address(settings)))),
        host=settings.api_host,
        port=settings.desk_port,
        access_log=False,
        log_config=None,
        # It logs the address of each socket, which names the open page.
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ws_max_size=1_000_000,
    )
