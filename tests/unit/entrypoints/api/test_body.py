"""No more of a body is held than is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from angel_x.entrypoints.api import body


class Upload:
    """A request that arrives in chunks, and how many of them were taken."""

    def __init__(self, chunks: Sequence[bytes], announced: str | None = None) -> None:
        self.chunks = list(chunks)
        self.taken = 0
        headers = [] if announced is None else [(b"content-length", announced.encode())]
        self.request = Request({"type": "http", "headers": headers}, self._receive)

    async def _receive(self) -> dict[str, Any]:
        chunk = self.chunks[self.taken]
        self.taken += 1
        more = self.taken < len(self.chunks)
        return {"type": "http.request", "body": chunk, "more_body": more}

    def read(self, limit: int) -> bytes:
        return asyncio.run(body.read(self.request, limit))


@pytest.mark.parametrize("announced", [None, "4", "", "four", "-5", "²"])
def test_a_body_of_the_limit_is_read_whole(announced: str | None) -> None:
    assert Upload([b"ab", b"", b"cd"], announced).read(4) == b"abcd"


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_read() -> None:
    upload = Upload([b"abcde"], "5")

    with pytest.raises(HTTPException, match="the body must be at most 4 bytes") as caught:
        upload.read(4)

    assert (caught.value.status_code, upload.taken) == (413, 0)


@pytest.mark.parametrize("announced", [None, "4"])
def test_a_body_that_turns_out_too_large_is_refused_as_soon_as_it_does(
    announced: str | None,
) -> None:
    upload = Upload([b"abc", b"de", b"f", b"g"], announced)

    with pytest.raises(HTTPException) as caught:
        upload.read(4)

    assert (caught.value.status_code, upload.taken) == (413, 2)


def test_a_body_may_hold_four_mebibytes() -> None:
    assert body.LIMIT_BYTES == 4 * 1024 * 1024
