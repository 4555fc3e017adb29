"""Coalesces submissions that arrive at the same time into one commit.

An idle system commits at once.  While a commit runs, submissions are collected until there are
enough orders, the oldest has waited long enough, or the commit is done.  Each submission stays
atomic; a failed commit is retried submission by submission, so that a failure reaches only the
submission that caused it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import structlog

from angel_x.errors import AngelXError
from angel_x.services.intake.acceptance import Accepted, Submission
from angel_x.services.intake.submissions import Outcome

log = structlog.get_logger()

#: Stores submissions in one transaction; blocks.
Commit = Callable[[Sequence[Submission]], Sequence[Outcome]]

#: A commit takes no further submission once it holds this many orders.
_FULL = 1000


@dataclass(frozen=True, slots=True)
class _Entry:
    submission: Submission
    arrived: float
    outcome: asyncio.Future[Outcome]

    @property
    def orders(self) -> int:
        return len(self.submission.requests)


class GroupCommit:
    """Belongs to one event loop; commits run on threads of its own."""

    def __init__(
        self,
        commit: Commit,
        *,
        batch_size: int,
        wait_seconds: float,
        timeout_seconds: float,
        outages: tuple[type[Exception], ...] = (),
        commits_at_once: int = 2,
    ) -> None:
        self._commit = commit
        self._batch_size = batch_size
        self._wait_seconds = wait_seconds
        self._timeout_seconds = timeout_seconds
        #: Failures of the server, after which submissions are not retried one by one.
        self._outages = outages
        self._commits_at_once = commits_at_once
        self._threads = ThreadPoolExecutor(commits_at_once, thread_name_prefix="commit")
        self._waiting: deque[_Entry] = deque()
        self._orders_waiting = 0
        self._running = 0
        self._timer: asyncio.TimerHandle | None = None

    async def accept(self, submission: Submission) -> tuple[Accepted, ...]:
        """Return the stored orders of this submission once they are durable.

        Raises:
            AngelXError: The submission cannot be accepted; nothing of it is stored.
            TimeoutError: There is no outcome in time; whether the orders were stored is unknown.
        """
        loop = asyncio.get_running_loop()
        entry = _Entry(submission, loop.time(), loop.create_future())
        self._waiting.append(entry)
        self._orders_waiting += entry.orders
        # Deferred, so that other submissions of this turn of the loop join the commit.
        loop.call_soon(self._plan)
        outcome = await asyncio.wait_for(entry.outcome, self._timeout_seconds)
        if isinstance(outcome, AngelXError):
            raise outcome
        return outcome

    def close(self) -> None:
        """Wait for running commits, and end the threads."""
        self._threads.shutdown()

    def _plan(self) -> None:
        """Start due commits, and schedule the next one."""
        while self._waiting and self._running < self._commits_at_once:
            remaining = self._remaining_wait()
            if remaining > 0:
                self._plan_in(remaining)
                return
            self._start(self._take())

    def _remaining_wait(self) -> float:
        if self._running == 0 or self._orders_waiting >= self._batch_size:
            return 0.0
        waited = asyncio.get_running_loop().time() - self._waiting[0].arrived
        return self._wait_seconds - waited

    def _plan_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._plan()

    def _take(self) -> list[_Entry]:
        """Take the oldest submissions, without those whose caller has timed out."""
        taken: list[_Entry] = []
        orders = 0
        while self._waiting and orders < _FULL:
            entry = self._waiting.popleft()
            self._orders_waiting -= entry.orders
            if not entry.outcome.done():
                taken.append(entry)
                orders += entry.orders
        return taken

    def _start(self, entries: list[_Entry]) -> None:
        if not entries:
            return
        self._running += 1
        submissions = [entry.submission for entry in entries]
        commit = asyncio.get_running_loop().run_in_executor(
            self._threads, self._commit, submissions
        )
        commit.add_done_callback(partial(self._finish, entries))

    def _finish(self, entries: list[_Entry], commit: asyncio.Future[Sequence[Outcome]]) -> None:
        self._running -= 1
        error = commit.exception()
        if error is None:
            for entry, outcome in zip(entries, commit.result(), strict=True):
                if not entry.outcome.done():
                    entry.outcome.set_result(outcome)
        elif len(entries) > 1 and not isinstance(error, self._outages):
            log.warning("commit.split", submissions=len(entries), error=repr(error))
            for entry in entries:
                self._start([entry])
        else:
            for entry in entries:
                if not entry.outcome.done():
                    entry.outcome.set_exception(error)
        self._plan()
