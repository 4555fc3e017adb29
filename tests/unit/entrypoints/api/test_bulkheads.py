from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from angel_x.entrypoints.api.bulkheads import Bulkhead, Bulkheads, shares
from angel_x.errors import AccessDenied, AccountBusy

DEADLINE_SECONDS = 120.0
HOLDER, OTHER = 1, 2


class Lock:
    """A lock that another transaction holds until it is opened."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self.waiting = threading.Semaphore(0)

    def wait(self) -> str:
        self.waiting.release()
        assert self._opened.wait(DEADLINE_SECONDS)
        return "through"

    def open(self) -> None:
        self._opened.set()

    async def is_waited_for(self, times: int) -> None:
        for _ in range(times):
            assert await asyncio.to_thread(self.waiting.acquire, timeout=DEADLINE_SECONDS)


@asynccontextmanager
async def calls_at_a_lock(
    threads: Bulkheads, kind: Bulkhead, count: int, *, running: int
) -> AsyncIterator[list[asyncio.Task[str]]]:
    """Let calls of the holder wait for its lock; ``running`` of them have a thread."""
    lock = Lock()
    calls = [asyncio.create_task(threads.run(kind, HOLDER, lock.wait)) for _ in range(count)]
    try:
        await lock.is_waited_for(running)
        yield calls
    finally:
        lock.open()
        await asyncio.gather(*calls, return_exceptions=True)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await test()

    asyncio.run(limited())


@pytest.mark.parametrize(
    ("threads", "emergency", "writes", "keys", "reads"),
    [(1, 1, 1, 1, 1), (4, 1, 1, 1, 1), (8, 2, 2, 1, 3), (64, 16, 16, 8, 24)],
)
def test_every_kind_of_call_has_threads_of_its_own(
    threads: int, emergency: int, writes: int, keys: int, reads: int
) -> None:
    found = shares(threads)

    assert [found[kind] for kind in Bulkhead] == [emergency, reads, writes, keys]
    assert sum(found.values()) == max(4, threads)


@pytest.mark.parametrize("kind", [Bulkhead.EMERGENCY, Bulkhead.READS])
def test_calls_that_wait_hold_up_no_other_kind_of_call(kind: Bulkhead) -> None:
    async def scenario() -> None:
        threads = Bulkheads(4, patience_seconds=DEADLINE_SECONDS)
        async with calls_at_a_lock(threads, Bulkhead.WRITES, 12, running=1):
            assert await threads.run(kind, HOLDER, lambda: "answered") == "answered"
            assert await threads.look_up(lambda: "known") == "known"

    run(scenario)


def test_calls_that_wait_for_one_account_leave_threads_to_the_others() -> None:
    async def scenario() -> None:
        threads = Bulkheads(8, patience_seconds=DEADLINE_SECONDS)
        async with calls_at_a_lock(threads, Bulkhead.WRITES, 12, running=1):
            assert await threads.run(Bulkhead.WRITES, OTHER, lambda: "answered") == "answered"

    run(scenario)


def test_a_call_without_a_thread_in_time_is_refused_and_does_not_begin() -> None:
    async def scenario() -> None:
        threads = Bulkheads(8, patience_seconds=0.01)
        begun: list[str] = []
        async with calls_at_a_lock(threads, Bulkhead.WRITES, 1, running=1):
            with pytest.raises(AccountBusy):
                await threads.run(Bulkhead.WRITES, HOLDER, begun.append, "begun")
        assert begun == []

    run(scenario)


def test_what_a_refused_call_waited_for_goes_to_the_next() -> None:
    async def scenario() -> None:
        threads = Bulkheads(4, patience_seconds=0.01)
        async with calls_at_a_lock(threads, Bulkhead.WRITES, 1, running=1):
            for user_id in (HOLDER, OTHER):
                with pytest.raises(AccountBusy):
                    await threads.run(Bulkhead.WRITES, user_id, str)
        for user_id in (HOLDER, OTHER, HOLDER):
            assert await threads.run(Bulkhead.WRITES, user_id, str) == ""

    run(scenario)


def test_an_error_of_a_call_reaches_its_caller_and_frees_the_thread() -> None:
    def fail() -> None:
        raise AccessDenied("no")

    async def scenario() -> None:
        threads = Bulkheads(4, patience_seconds=0.01)
        for _ in range(3):
            with pytest.raises(AccessDenied):
                await threads.run(Bulkhead.WRITES, HOLDER, fail)
            with pytest.raises(AccessDenied):
                await threads.look_up(fail)

    run(scenario)
