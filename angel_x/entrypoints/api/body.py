"""Reading a request's body without ever holding more of it than is allowed."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request

LIMIT_BYTES = 4 * 1024 * 1024


async def read(request: Request, limit: int = LIMIT_BYTES) -> bytes:
    """Return the body; one that is announced or turns out too large is refused with 413."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> HTTPException:
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body must be at most {limit} bytes"
    )
