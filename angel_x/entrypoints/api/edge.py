"""The outermost middleware: request id, timing, headers, and an answer in every case."""

from __future__ import annotations

import re
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.api import problems
from angel_x.entrypoints.presentation import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from angel_x.services.ports import Meter

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
#: Pages and data come from here and from nowhere else; the API documentation styles itself inline.
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Edge:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        started = perf_counter()
        answered = False

        async def send_marked(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                _mark(message, request_id)
                self._observe(scope, message["status"], perf_counter() - started)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_marked)
            except ClientDisconnect:
                # The client is gone, and nothing of an incomplete body is stored.
                log.info("request.aborted", path=scope["path"])
            except Exception:
                # The caller gets an answer, and the log gets the traceback.
                log.exception("request.failed", path=scope["path"])
                if not answered:
                    await problems.response(problem.unexpected(request_id))(
                        scope, receive, send_marked
                    )

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Time to the first byte, so that a stream counts when it opens and not when it ends."""
        route = getattr(scope.get("route"), "path", "unmatched")
        self._meter.observe(
            Metric.HTTP_REQUEST_SECONDS,
            seconds,
            route=route,
            method=scope["method"],
            code=str(status),
        )


def _mark(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    for name, value in _SECURITY_HEADERS.items():
        headers.setdefault(name, value)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex
