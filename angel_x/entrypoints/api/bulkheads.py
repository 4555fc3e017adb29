"""Threads for blocking work, apart for each kind of call, with a share for each account.

A call that waits, for a lock or for the database, keeps its thread.  So that such calls of one kind,
or of one account, do not hold up others, each kind has its own threads, and an account at most half of
them at once.  The connections to the database are as many as all threads together.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.requests import Request

from angel_x.domain.records.access import Identity
from angel_x.errors import AccountBusy

if TYPE_CHECKING:
    from starlette.responses import Response

P = ParamSpec("P")
T = TypeVar("T")


class Bulkhead(StrEnum):
    """Kinds of calls."""

    EMERGENCY = "emergency"
    """Kill switch, square-off and cancellation."""

    READS = "reads"
    WRITES = "writes"

    KEYS = "keys"
    """Look-ups of API keys."""


def shares(threads: int) -> Mapping[Bulkhead, int]:
    """Return the threads of each kind, at least one; together at most ``threads`` from four on."""
    emergency, writes, keys = max(1, threads // 4), max(1, threads // 4), max(1, threads // 8)
    return {
        Bulkhead.EMERGENCY: emergency,
        Bulkhead.WRITES: writes,
        Bulkhead.KEYS: keys,
        Bulkhead.READS: max(1, threads - emergency - writes - keys),
    }


@dataclass(slots=True)
class _Share:
    """The share of one account in the threads of a kind, kept while a call of it waits or runs."""

    semaphore: asyncio.Semaphore
    calls: int = 0


@dataclass(slots=True)
class _Threads:
    """The threads of one kind."""

    count: int
    limiter: CapacityLimiter = field(init=False)
    accounts: dict[int, _Share] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.limiter = CapacityLimiter(self.count)

    @property
    def most_of_account(self) -> int:
        return (self.count + 1) // 2

    @asynccontextmanager
    async def share_of(self, user_id: int) -> AsyncIterator[asyncio.Semaphore]:
        share = self.accounts.get(user_id)
        if share is None:
            share = self.accounts[user_id] = _Share(asyncio.Semaphore(self.most_of_account))
        share.calls += 1
        try:
            yield share.semaphore
        finally:
            share.calls -= 1
            if not share.calls:
                del self.accounts[user_id]


class Bulkheads:
    """Belongs to one event loop."""

    def __init__(self, threads: int, *, patience_seconds: float) -> None:
        self._threads = {kind: _Threads(count) for kind, count in shares(threads).items()}
        # The limiters of the kinds bound the threads.
        self._unbounded = CapacityLimiter(math.inf)
        #: Longest wait for a share of the account, and for a thread after it.
        self._patience = patience_seconds

    @property
    def threads(self) -> int:
        return sum(threads.count for threads in self._threads.values())

    async def look_up(self, call: Callable[P, T], *args: P.args, **given: P.kwargs) -> T:
        """Run the look-up of a key, which is of no known account yet, on a thread.

        Raises:
            AccountBusy: No thread was free in time.
        """
        return await self._in_turn(self._threads[Bulkhead.KEYS], partial(call, *args, **given))

    async def run(
        self, kind: Bulkhead, user_id: int, call: Callable[P, T], *args: P.args, **given: P.kwargs
    ) -> T:
        """Run blocking work of an account on a thread of its kind, and return the result.

        Raises:
            AccountBusy: No thread was free for the account in time; the work has not begun.
        """
        threads = self._threads[kind]
        async with threads.share_of(user_id) as share:
            await self._patiently(share.acquire())
            try:
                return await self._in_turn(threads, partial(call, *args, **given))
            finally:
                share.release()

    async def _in_turn(self, threads: _Threads, work: Callable[[], T]) -> T:
        await self._patiently(threads.limiter.acquire())
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._unbounded)
        finally:
            threads.limiter.release()

    async def _patiently(self, turn: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except TimeoutError:
            raise AccountBusy(
                f"no thread was free within {self._patience:g} s, and nothing was stored"
            ) from None


def bulkheads(request: Request) -> Bulkheads:
    """Return the threads of this process."""
    return cast("Bulkheads", request.app.state.bulkheads)


def on_thread(
    kind: Bulkhead,
) -> Callable[[Callable[P, Response]], Callable[P, Awaitable[Response]]]:
    """Make a route of a function that blocks: it runs on the threads of its kind, for its caller."""

    def wrap(route: Callable[P, Response]) -> Callable[P, Awaitable[Response]]:
        @wraps(route)
        async def threaded(*args: P.args, **given: P.kwargs) -> Response:
            (request,) = (value for value in given.values() if isinstance(value, Request))
            (caller,) = (value for value in given.values() if isinstance(value, Identity))
            return await bulkheads(request).run(kind, caller.user_id, route, *args, **given)

        return threaded

    return wrap
