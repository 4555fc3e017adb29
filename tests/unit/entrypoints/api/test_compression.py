from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from angel_x.entrypoints.api.compression import CompressedReads

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

LARGE, SMALL = b"x" * 5_000, b"x" * 500


def answered(method: str, body: bytes, accept: str = "gzip") -> tuple[dict[bytes, bytes], bytes]:
    """Return the headers and the body of an answer."""
    sent: list[Message] = []

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "headers": [(b"accept-encoding", accept.encode())]}
    asyncio.run(CompressedReads(answer)(scope, receive, send))
    return dict(sent[0]["headers"]), sent[1]["body"]


def test_a_large_answer_to_a_read_is_compressed() -> None:
    headers, body = answered("GET", LARGE)

    assert headers[b"content-encoding"] == b"gzip"
    assert headers[b"content-length"] == b"%d" % len(body)
    assert len(body) * 20 < len(LARGE)


@pytest.mark.parametrize(
    ("method", "body", "accept"),
    [
        ("GET", SMALL, "gzip"),
        ("GET", LARGE, "br"),
        ("POST", LARGE, "gzip"),
        ("PUT", LARGE, "gzip"),
        ("DELETE", LARGE, "gzip"),
    ],
)
def test_every_other_answer_is_sent_as_it_is(method: str, body: bytes, accept: str) -> None:
    headers, sent = answered(method, body, accept)

    assert b"content-encoding" not in headers
    assert sent == body


def test_what_is_not_a_request_is_handed_on() -> None:
    seen: list[str] = []

    async def note(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: object) -> Message:
        return {}

    asyncio.run(CompressedReads(note)({"type": "lifespan"}, nothing, nothing))  # type: ignore[arg-type]

    assert seen == ["lifespan"]
