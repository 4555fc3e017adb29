from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from angel_x.entrypoints.api.bounded_http import BoundedHttp, BoundedState
from angel_x.entrypoints.api.http_bounds import HttpBounds
from tests.builders.recorders import RecordingMeter

DEADLINE_SECONDS = 120.0
BOUNDS = HttpBounds(
    header_seconds=DEADLINE_SECONDS,
    body_seconds=DEADLINE_SECONDS,
    connections=10,
    connections_by_address=10,
    unread_seconds=0.0,
)


async def endless(request: Request) -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        while not await request.is_disconnected():
            yield b"x" * 65_536

    return StreamingResponse(lines())


async def _serve(state: BoundedState) -> asyncio.Server:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endless(Request(scope, receive))
        await response(scope, receive, send)

    config = uvicorn.Config(app, log_config=None, http=BoundedHttp, lifespan="off")
    config.load()
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: BoundedHttp(config, state, {}), "127.0.0.1", 0)


def test_a_client_that_never_reads_is_cut_off() -> None:
    async def scenario() -> None:
        state = BoundedState(BOUNDS, RecordingMeter())
        server = await _serve(state)
        loop = asyncio.get_running_loop()
        client = socket.create_connection(server.sockets[0].getsockname())
        with contextlib.closing(client), capture_logs() as logged:
            client.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not logged:
                    await asyncio.sleep(0.001)
                    state.look(loop.time())
                while state.connections or state.tasks:
                    await asyncio.sleep(0.001)
        server.close()
        assert [entry["event"] for entry in logged] == ["connection.unread"]

    asyncio.run(scenario())
