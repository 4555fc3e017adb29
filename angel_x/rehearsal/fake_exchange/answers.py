"""Answers of the fake exchange, and those that are spoiled on purpose."""

from __future__ import annotations

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

_THROTTLED = "Access denied because of exceeding access rate"


def succeeded(data: object) -> Response:
    """Return the envelope of a success."""
    return _json({"status": True, "message": "SUCCESS", "errorcode": "", "data": data})


def refused(code: str, message: str) -> Response:
    """Return the envelope of a refusal; one about a token has other names for the same."""
    if code.startswith("AG"):
        return _json({"success": False, "message": message, "errorCode": code, "data": ""})
    return _json({"status": False, "message": message, "errorcode": code, "data": None})


def throttled() -> Response:
    """Return the refusal of a request over the limit, which is no JSON."""
    return PlainTextResponse(_THROTTLED, 403)


def failed() -> Response:
    """Return the page of a server that failed."""
    return PlainTextResponse("<html>Internal Server Error</html>", 500)


class CutOff(Response):
    """An answer of which nothing but the head arrives: the connection is closed instead."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def _json(document: object) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
