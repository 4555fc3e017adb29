"""Compression of large answers to reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.gzip import GZipMiddleware

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

#: Below this size compression costs more than it saves.
_COMPRESSED_FROM_BYTES = 1024
#: Two thirds of the effort of the highest level for nearly the same size.
_LEVEL = 5


class CompressedReads:
    """Wraps the application: answers to GET are compressed where the client accepts it.

    Answers to other methods are small, and those to submissions must not wait for a look at each.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, _COMPRESSED_FROM_BYTES, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] == "GET"
        await (self._compressed if is_read else self._app)(scope, receive, send)
