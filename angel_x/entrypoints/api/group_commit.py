"""Coalesces submissions that arrive at the same time into one commit.

An idle system commits at once.  While a commit runs, submissions are collected until there are
enough orders, the oldest has waited long enough, or the commit is done.  Each submission stays
atomic; a failed commit is retried submission by submission, so that a failure reaches only the
submission that caused it.

A commit takes the submissions of different accounts in turns.  An account whose lock was not free in
time is committed apart from the others, on a thread of its own, until one of its commits succeeds.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

import structlog

from angel_x.domain.operations.span import Span, Tracer
from angel_x.entrypoints.api.traced_commit import Commit, traced_commit
from angel_x.errors import AngelXError
from angel_x.services.intake.acceptance import Accepted, Submission
from angel_x.services.intake.submissions import Outcome

log = structlog.get_logger()

#: Commits that run at the same time; one more is of an account whose lock was not free in time.
COMMITS_AT_ONCE = 2
#: A commit takes no further submission once it holds this many orders.
_FULL = 1000


@dataclass(frozen=True, slots=True)
class _Entry:
    submission: Submission
    arrived: float
    outcome: asyncio.Future[Outcome]
    #: Of its request, where traces are on.
    span: Span | None

    @property
    def orders(self) -> int:
        return len(self.submission.requests)

    @property
    def user_id(self) -> int:
        return self.submission.user_id


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
        is_lock_timeout: Callable[[BaseException], bool] = lambda _: False,
        commits_at_once: int = COMMITS_AT_ONCE,
        tracer: Tracer | None = None,
    ) -> None:
        self._commit = commit
        self._batch_size = batch_size
        self._wait_seconds = wait_seconds
        self._timeout_seconds = timeout_seconds
        #: Failures of the server, after which submissions are not retried one by one.
        self._outages = outages
        self._is_lock_timeout = is_lock_timeout
        self._commits_at_once = commits_at_once
        self._tracer = tracer
        self._threads = ThreadPoolExecutor(commits_at_once + 1, thread_name_prefix="commit")
        self._waiting: deque[_Entry] = deque()
        self._orders_waiting = 0
        self._running = 0
        self._timer: asyncio.TimerHandle | None = None
        #: Submissions of accounts whose lock was not free in time, which are committed apart.
        self._locked: dict[int, list[_Entry]] = {}
        self._locked_running = False

    async def accept(self, submission: Submission) -> tuple[Accepted, ...]:
        """Return the stored orders of this submission once they are durable.

        Raises:
            AngelXError: The submission cannot be accepted; nothing of it is stored.
            TimeoutError: There is no outcome in time; whether the orders were stored is unknown.
        """
        loop = asyncio.get_running_loop()
        span = None if self._tracer is None else self._tracer.current()
        entry = _Entry(submission, loop.time(), loop.create_future(), span)
        if entry.user_id in self._locked:
            self._locked[entry.user_id].append(entry)
        else:
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
        if not self._locked_running:
            self._start_locked()

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
        """Take the oldest submissions, without those whose caller has timed out.

        Of more than one commit takes, the accounts have their turns.
        """
        if self._orders_waiting > _FULL:
            self._waiting = deque(_in_turns(self._waiting))
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
        self._run(entries).add_done_callback(partial(self._finish, entries))

    def _start_locked(self) -> None:
        """Commit the submissions of one account that is committed apart."""
        for user_id in list(self._locked):
            # Each has its turn: it goes behind the others.
            waiting, self._locked[user_id] = self._locked.pop(user_id), []
            entries = [entry for entry in waiting if not entry.outcome.done()]
            if entries:
                self._locked_running = True
                commit = self._run(entries)
                commit.add_done_callback(partial(self._finish_locked, user_id, entries))
                return

    def _run(self, entries: list[_Entry]) -> asyncio.Future[Sequence[Outcome]]:
        submissions = [entry.submission for entry in entries]
        commit = self._commit
        if self._tracer is not None:
            commit = traced_commit(commit, self._tracer, [entry.span for entry in entries])
        return asyncio.get_running_loop().run_in_executor(self._threads, commit, submissions)

    def _finish_locked(
        self, user_id: int, entries: list[_Entry], commit: asyncio.Future[Sequence[Outcome]]
    ) -> None:
        self._locked_running = False
        error = commit.exception()
        if (error is None or not self._is_lock_timeout(error)) and not self._locked[user_id]:
            del self._locked[user_id]
        self._conclude(entries, commit, error)

    def _finish(self, entries: list[_Entry], commit: asyncio.Future[Sequence[Outcome]]) -> None:
        self._running -= 1
        error = commit.exception()
        if error is not None and self._is_lock_timeout(error):
            self._set_apart(entries)
        self._conclude(entries, commit, error)

    def _set_apart(self, entries: list[_Entry]) -> None:
        """Let the only account of a commit that met a lock be committed apart from now on."""
        accounts = {entry.user_id for entry in entries}
        if len(accounts) > 1:
            return
        (user_id,) = accounts
        own = [entry for entry in self._waiting if entry.user_id == user_id]
        self._waiting = deque(entry for entry in self._waiting if entry.user_id != user_id)
        self._orders_waiting -= sum(entry.orders for entry in own)
        self._locked.setdefault(user_id, []).extend(own)
        log.warning("account.locked", user_id=user_id, submissions=len(entries))

    def _conclude(
        self,
        entries: list[_Entry],
        commit: asyncio.Future[Sequence[Outcome]],
        error: BaseException | None,
    ) -> None:
        if error is None:
            for entry, outcome in zip(entries, commit.result(), strict=True):
                if not entry.outcome.done():
                    entry.outcome.set_result(outcome)
        elif len(parts := self._parts(entries, error)) > 1:
            log.warning("commit.split", submissions=len(entries), error=repr(error))
            for part in parts:
                self._start(part)
        else:
            for entry in entries:
                if not entry.outcome.done():
                    entry.outcome.set_exception(error)
        self._plan()

    def _parts(self, entries: list[_Entry], error: BaseException) -> list[list[_Entry]]:
        """Return the parts of a failed commit to commit on their own; one alone has failed."""
        if self._is_lock_timeout(error):
            accounts: dict[int, list[_Entry]] = defaultdict(list)
            for entry in entries:
                accounts[entry.user_id].append(entry)
            return list(accounts.values())
        return [entries] if isinstance(error, self._outages) else [[entry] for entry in entries]


def _in_turns(entries: Iterable[_Entry]) -> list[_Entry]:
    """Return entries by the orders of their account before them, so that each account has its turn."""
    ahead: Counter[int] = Counter()
    places = []
    for entry in entries:
        places.append((ahead[entry.user_id], entry))
        ahead[entry.user_id] += entry.orders
    return [entry for _, entry in sorted(places, key=itemgetter(0))]
