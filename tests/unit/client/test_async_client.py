"""The client for event loops makes the calls of the blocking one, and holds up no other task."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from queue import SimpleQueue
from typing import Any, cast

import pytest

from angel_x import AsyncClient, Client
from angel_x.errors import Conflict, InvalidRequest
from tests.unit.client.conftest import Script
from tests.unit.client.test_calls import CALLS, PROBLEM, Call

PATIENCE = 120.0
ITERATED = {"orders", "fills", "audit", "stream", "quotes"}
EVENT = b'id: 7\nevent: order\ndata: {"order_id": "1"}\n\n'


def begin_stream(script: Script) -> None:
    """Answer with one event of a stream that goes on, and say no more."""
    script.answer(200, b"%x\r\n%b\r\n" % (len(EVENT), EVENT), Transfer_Encoding="chunked")


async def first(records: AsyncIterator[object]) -> object:
    return await anext(records)


def connected(script: Script, **options: Any) -> AsyncClient:
    return AsyncClient(script.url, "key", retries=0, **options)


def test_every_call_of_the_client_has_its_twin() -> None:
    calls = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if name[0] != "_"}
    twins = {name for name in dir(AsyncClient) if name[0] != "_"} - {"awaited", "iterated"}

    assert twins == calls
    for name in calls - {"close", "margin"}:
        assert getattr(AsyncClient, name).__doc__ == getattr(Client, name).__doc__


@pytest.mark.parametrize(
    ("name", "call", "method", "path", "body"), [each for each in CALLS if each[0] not in ITERATED]
)
def test_a_call_sends_the_same_request_and_raises_the_same_error(
    script: Script, name: str, call: Call, method: str, path: str, body: Any
) -> None:
    script.answer(409, PROBLEM)

    async def make() -> None:
        async with connected(script) as client:
            await cast("Awaitable[object]", call(cast("Client", client)))

    with pytest.raises(Conflict, match="as the script says"):
        asyncio.run(make())

    assert script.requests == [(method, path, body)]


@pytest.mark.parametrize(
    "iterate",
    [
        lambda c: c.orders(status="working"),
        lambda c: c.fills(),
        lambda c: c.audit(),
        lambda c: c.stream(),
        lambda c: c.quotes(["NIFTY"]),
    ],
)
def test_an_iteration_raises_the_error_of_its_request(
    script: Script, iterate: Callable[[AsyncClient], AsyncIterator[object]]
) -> None:
    script.answer(422, PROBLEM)

    async def make() -> None:
        async with connected(script) as client:
            await first(iterate(client))

    with pytest.raises(InvalidRequest, match="as the script says"):
        asyncio.run(make())


def test_pages_are_read_one_after_the_other(script: Script) -> None:
    entry = {"id": "9", "at": "2026-11-23T03:45:00Z", "actor": "key:1", "action": "a", "detail": {}}
    script.answer(200, {"entries": [entry | {"subject": "order:7"}], "next": "c9"})
    script.answer(200, {"entries": [entry | {"subject": "order:6"}], "next": None})

    async def subjects() -> list[str]:
        async with connected(script) as client:
            return [found.subject async for found in client.audit()]

    assert asyncio.run(subjects()) == ["order:7", "order:6"]


def test_other_tasks_go_on_while_an_answer_is_awaited(script: Script) -> None:
    seen = threading.Event()

    async def both() -> bool:
        async with connected(script) as client:
            # The script has no answer before the other task has run.
            script.answer(200, {"state": "open"})
            waits = asyncio.ensure_future(client.machine())
            seen.set()
            await asyncio.wait([waits], timeout=PATIENCE)
            return waits.done()

    assert asyncio.run(both())
    assert seen.is_set()


async def threads_end() -> None:
    deadline = time.monotonic() + PATIENCE
    while any(thread.name.startswith("angel-x-client") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_a_canceled_wait_for_an_event_ends_its_connection_and_its_thread(script: Script) -> None:
    begin_stream(script)

    async def listen() -> None:
        async with connected(script) as client:
            stream = client.stream()
            assert cast("Any", await first(stream)).id == "7"
            waits = asyncio.ensure_future(first(stream))
            await asyncio.sleep(0)
            waits.cancel()
            await asyncio.wait([waits], timeout=PATIENCE)
            assert waits.cancelled()
            await asyncio.wait_for(threads_end(), PATIENCE)

    asyncio.run(listen())
    assert [path for _, path, _ in script.requests] == ["/v1/stream"]


def test_closing_the_client_ends_an_iteration_that_waits(script: Script) -> None:
    begin_stream(script)

    async def listen() -> list[str]:
        heard: asyncio.Queue[str] = asyncio.Queue()
        client = connected(script)

        async def each() -> None:
            async for event in client.stream():
                heard.put_nowait(event.id)

        listener = asyncio.ensure_future(each())
        ids = [await asyncio.wait_for(heard.get(), PATIENCE)]
        await client.close()
        await asyncio.wait_for(listener, PATIENCE)
        await threads_end()
        return ids

    assert asyncio.run(listen()) == ["7"]


def test_a_stream_of_the_blocking_client_ends_when_another_thread_closes_it(
    script: Script,
) -> None:
    begin_stream(script)
    client = Client(script.url, "key", retries=0)
    heard: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for event in client.stream():
            heard.put(event.id)

    listener = threading.Thread(target=listen)
    listener.start()
    assert heard.get(timeout=PATIENCE) == "7"
    client.close()
    listener.join(PATIENCE)

    assert not listener.is_alive()
    assert [path for _, path, _ in script.requests] == ["/v1/stream"]
