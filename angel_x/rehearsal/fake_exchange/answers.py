"""Answers of the fake exchange, and those that are spoiled on purpose."""

from __future__ import annotations

import re
from zlib import crc32

import msgspec
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

_RANGE = re.compile(r"bytes=(\d+)-", re.ASCII)
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


def document(content: bytes, asked: Headers) -> Response:
    """Return a document, or the part that was asked for, or that it has not changed."""
    mark = f'"{crc32(content):08x}"'
    headers = {"etag": mark, "accept-ranges": "bytes"}
    if asked.get("if-none-match") == mark:
        return Response(status_code=304, headers=headers)
    match = _RANGE.fullmatch(asked.get("range", ""))
    if match is None or asked.get("if-range", mark) != mark:
        return Response(content, headers=headers, media_type="application/json")
    start, total = int(match[1]), len(content)
    if start >= total:
        return Response(status_code=416, headers={"content-range": f"bytes */{total}"})
    headers["content-range"] = f"bytes {start}-{total - 1}/{total}"
    return Response(content[start:], 206, headers, media_type="application/json")


class CutOff(Response):
    """An answer that breaks off: the connection is closed after the head and the first bytes."""

    def __init__(self, first: bytes = b"", whole: Response | None = None) -> None:
        super().__init__(first)
        self._status = whole.status_code if whole else 200
        length = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        self._head = whole.raw_headers if whole else length

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        head = {"type": "http.response.start", "status": self._status, "headers": self._head}
        await send(head)
        if self.body:
            await send({"type": "http.response.body", "body": self.body, "more_body": True})


def _json(document: object) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
