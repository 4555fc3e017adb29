from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from angel_x.domain.orders.order import OrderRequest, OrderStatus, OrderType, Side
from angel_x.entrypoints.api.group_commit import GroupCommit
from angel_x.errors import IdempotencyConflict
from angel_x.services.intake.acceptance import Accepted, Submission
from angel_x.services.intake.submissions import Outcome

DEADLINE_SECONDS = 120.0
BATCH_SIZE = 50


class Outage(Exception):
    pass


class LockTimeout(Outage):
    pass


class FakeStore:
    """Accepts everything but what it was told to refuse, while its gate is open."""

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.poison: set[str] = set()
        self.conflicts: set[str] = set()
        #: Accounts whose lock another transaction holds.
        self.locked: set[int] = set()
        self.error: Exception = ValueError("poison")
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.most_at_once = 0
        self._inside = 0
        self._lock = threading.Lock()

    def commit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        with self._lock:
            self.commits.append([r.client_order_id for s in submissions for r in s.requests])
            self._inside += 1
            self.most_at_once = max(self.most_at_once, self._inside)
        self.entered.release()
        try:
            assert self.gate.wait(DEADLINE_SECONDS)
            if self.locked & {submission.user_id for submission in submissions}:
                raise LockTimeout
            if self.poison & set(self.commits[-1]):
                raise self.error
            return [self._outcome(submission) for submission in submissions]
        finally:
            with self._lock:
                self._inside -= 1

    def _outcome(self, submission: Submission) -> Outcome:
        ids = [request.client_order_id for request in submission.requests]
        for client_order_id in ids:
            if client_order_id in self.conflicts:
                return IdempotencyConflict(client_order_id)
        return tuple(Accepted(1, i, OrderStatus.RECEIVED, replayed=False) for i in ids)

    async def entered_times(self, times: int) -> None:
        for _ in range(times):
            taken = await asyncio.to_thread(self.entered.acquire, timeout=DEADLINE_SECONDS)
            assert taken


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@asynccontextmanager
async def group_commit(
    store: FakeStore, *, wait_seconds: float = 60.0, timeout_seconds: float = DEADLINE_SECONDS
) -> AsyncIterator[GroupCommit]:
    group = GroupCommit(
        store.commit,
        batch_size=BATCH_SIZE,
        wait_seconds=wait_seconds,
        timeout_seconds=timeout_seconds,
        outages=(Outage,),
        is_lock_timeout=lambda error: isinstance(error, LockTimeout),
    )
    try:
        yield group
    finally:
        store.gate.set()
        group.close()


def submission(*client_order_ids: str, user_id: int = 1) -> Submission:
    return Submission(
        user_id,
        tuple(OrderRequest(i, "S", Side.BUY, 75, OrderType.MARKET) for i in client_order_ids),
    )


async def turns(count: int = 3) -> None:
    """Let everything that is ready in the loop run."""
    for _ in range(count):
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await test()

    asyncio.run(limited())


def test_an_idle_system_commits_at_once(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store) as group:
            (accepted,) = await group.accept(submission("a"))
            assert accepted.client_order_id == "a"

    run(scenario)

    assert store.commits == [["a"]]


def test_submissions_of_one_moment_share_a_commit(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store) as group:
            answers = await asyncio.gather(*(group.accept(submission(f"o{i}")) for i in range(20)))
            assert [a[0].client_order_id for a in answers] == [f"o{i}" for i in range(20)]

    run(scenario)

    assert store.commits == [[f"o{i}" for i in range(20)]]


def test_accounts_that_share_a_commit_keep_their_own_orders_and_answers() -> None:
    commits: list[list[tuple[int, int]]] = []

    def commit(submissions: Sequence[Submission]) -> list[Outcome]:
        commits.append([(s.user_id, s.requests[0].quantity) for s in submissions])
        return [
            (Accepted(s.user_id, "same", OrderStatus.RECEIVED, replayed=False),)
            for s in submissions
        ]

    async def scenario() -> None:
        group = GroupCommit(
            commit, batch_size=BATCH_SIZE, wait_seconds=60, timeout_seconds=DEADLINE_SECONDS
        )
        requests = {
            user_id: OrderRequest("same", "S", Side.BUY, 75 * user_id, OrderType.MARKET)
            for user_id in (3, 1, 2)
        }
        outcomes = await asyncio.gather(
            *(group.accept(Submission(user_id, (r,))) for user_id, r in requests.items())
        )
        group.close()
        assert [order.order_id for (order,) in outcomes] == [3, 1, 2]

    run(scenario)
    assert commits == [[(3, 225), (1, 75), (2, 150)]]


def test_what_arrives_during_a_commit_goes_together_after_it(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store) as group:
            store.gate.clear()
            first = asyncio.create_task(group.accept(submission("first")))
            await store.entered_times(1)
            later = [asyncio.create_task(group.accept(submission(f"o{i}"))) for i in range(10)]
            await turns()
            assert len(store.commits) == 1
            store.gate.set()
            await asyncio.gather(first, *later)

    run(scenario)

    assert store.commits == [["first"], [f"o{i}" for i in range(10)]]


def test_enough_orders_do_not_wait_for_the_commit_before(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store) as group:
            store.gate.clear()
            first = asyncio.create_task(group.accept(submission("first")))
            await store.entered_times(1)
            many = submission(*(f"o{i}" for i in range(BATCH_SIZE)))
            second = asyncio.create_task(group.accept(many))
            await store.entered_times(1)
            store.gate.set()
            await asyncio.gather(first, second)

    run(scenario)

    assert store.most_at_once == 2


def test_the_oldest_waits_no_longer_than_the_batch_timeout(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store, wait_seconds=0.02) as group:
            store.gate.clear()
            first = asyncio.create_task(group.accept(submission("first")))
            await store.entered_times(1)
            second = asyncio.create_task(group.accept(submission("second")))
            # Comes although the first commit is held up and there are not enough orders.
            await store.entered_times(1)
            store.gate.set()
            await asyncio.gather(first, second)

    run(scenario)

    assert store.commits == [["first"], ["second"]]


def test_no_more_commits_run_at_once_than_there_are_threads(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store, wait_seconds=0.0) as group:
            store.gate.clear()
            tasks = []
            for i in range(6):
                tasks.append(asyncio.create_task(group.accept(submission(f"o{i}"))))
                await turns()
            await store.entered_times(2)
            store.gate.set()
            await asyncio.gather(*tasks)

    run(scenario)

    assert store.most_at_once == 2
    assert len(store.commits) == 3


def test_a_conflict_reaches_its_own_submission_only(store: FakeStore) -> None:
    store.conflicts = {"b"}

    async def scenario() -> None:
        async with group_commit(store) as group:
            a, b, c = await asyncio.gather(
                *(group.accept(submission(i)) for i in "abc"), return_exceptions=True
            )
            assert isinstance(b, IdempotencyConflict)
            assert isinstance(a, tuple)
            assert isinstance(c, tuple)

    run(scenario)

    assert store.commits == [["a", "b", "c"]]


def test_a_failure_reaches_the_submission_that_caused_it(store: FakeStore) -> None:
    store.poison = {"b"}

    async def scenario() -> None:
        async with group_commit(store) as group:
            a, b, c = await asyncio.gather(
                *(group.accept(submission(i)) for i in "abc"), return_exceptions=True
            )
            assert isinstance(b, ValueError)
            assert isinstance(a, tuple)
            assert isinstance(c, tuple)

    run(scenario)

    assert sorted(store.commits) == [["a"], ["a", "b", "c"], ["b"], ["c"]]


def test_an_outage_reaches_exactly_the_submissions_of_its_commit(store: FakeStore) -> None:
    store.poison, store.error = {"b"}, Outage("no server")

    async def scenario() -> None:
        async with group_commit(store) as group:
            failed = await asyncio.gather(
                *(group.accept(submission(i)) for i in "abc"), return_exceptions=True
            )
            assert [type(outcome) for outcome in failed] == [Outage] * 3
            assert isinstance(await group.accept(submission("d")), tuple)

    run(scenario)

    assert store.commits == [["a", "b", "c"], ["d"]]


def test_a_caller_is_told_when_there_is_no_outcome_in_time(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store, timeout_seconds=0.05) as group:
            store.gate.clear()
            with pytest.raises(TimeoutError):
                await group.accept(submission("slow"))
            store.gate.set()
            group._timeout_seconds = DEADLINE_SECONDS
            assert isinstance(await group.accept(submission("next")), tuple)

    run(scenario)


def test_a_submission_whose_caller_gave_up_is_not_committed_later(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store, timeout_seconds=0.05) as group:
            store.gate.clear()
            first = asyncio.create_task(group.accept(submission("first")))
            await store.entered_times(1)
            with pytest.raises(TimeoutError):
                await group.accept(submission("abandoned"))
            await asyncio.gather(first, return_exceptions=True)
            store.gate.set()
            group._timeout_seconds = DEADLINE_SECONDS
            await group.accept(submission("last"))

    run(scenario)

    assert store.commits == [["first"], ["last"]]


def test_a_commit_takes_a_bounded_number_of_orders(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store) as group:
            parts = [submission(*(f"{n}-{i}" for i in range(400))) for n in range(5)]
            await asyncio.gather(*(group.accept(part) for part in parts))

    run(scenario)

    assert [len(commit) for commit in store.commits] == [1200, 800]


def test_a_locked_account_fails_alone(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store, wait_seconds=0) as group:
            store.locked = {2}
            outcomes = await asyncio.gather(
                *(group.accept(submission(f"{n}", user_id=n)) for n in (1, 2, 3)),
                return_exceptions=True,
            )
            assert isinstance(outcomes[1], LockTimeout)
            assert [isinstance(outcome, tuple) for outcome in outcomes] == [True, False, True]

    run(scenario)


def test_a_locked_account_is_committed_apart_until_its_lock_is_free(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store, wait_seconds=0) as group:
            store.locked = {2}
            with pytest.raises(LockTimeout):
                await group.accept(submission("a", user_id=2))

            store.commits.clear()
            refused, accepted = await asyncio.gather(
                group.accept(submission("b", user_id=2)),
                group.accept(submission("c")),
                return_exceptions=True,
            )
            assert isinstance(refused, LockTimeout)
            assert isinstance(accepted, tuple)
            assert sorted(store.commits) == [["b"], ["c"]]

            store.locked = set()
            await group.accept(submission("d", user_id=2))
            store.commits.clear()
            await asyncio.gather(
                group.accept(submission("e", user_id=2)), group.accept(submission("f"))
            )
            assert store.commits == [["e", "f"]]

    run(scenario)


def test_locked_accounts_keep_one_thread_and_not_those_of_the_others(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store, wait_seconds=0) as group:
            store.locked = {2, 3}
            for n in (2, 3):
                with pytest.raises(LockTimeout):
                    await group.accept(submission(f"first {n}", user_id=n))
            await store.entered_times(2)
            store.gate.clear()
            store.most_at_once = 0
            waiting = [
                asyncio.create_task(group.accept(submission(f"{n} {m}", user_id=n)))
                for m in range(3)
                for n in (2, 3)
            ]
            await store.entered_times(1)
            others = []
            for name in "ab":
                others.append(asyncio.create_task(group.accept(submission(name))))
                await store.entered_times(1)
            assert store.most_at_once == 3
            store.gate.set()
            assert [type(o) for o in await asyncio.gather(*others)] == [tuple, tuple]
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {LockTimeout}

    run(scenario)


def test_accounts_have_their_turns_where_one_commit_does_not_take_all(store: FakeStore) -> None:
    async def scenario() -> None:
        async with group_commit(store) as group:
            store.gate.clear()
            busy = []
            for name in "ab":
                busy.append(asyncio.create_task(group.accept(submission(name, user_id=9))))
                await store.entered_times(1)
                # The second commit does not wait for company.
                group._wait_seconds = 0
            many = [
                asyncio.create_task(
                    group.accept(submission(*(f"{m} {n}" for n in range(100)), user_id=1))
                )
                for m in range(30)
            ]
            await turns()
            late = asyncio.create_task(group.accept(submission("late", user_id=2)))
            await turns()
            store.gate.set()
            await asyncio.gather(*busy, *many, late)
            commits = [commit for commit in store.commits if commit not in (["a"], ["b"])]
            assert "late" in commits[0]
            assert [name for commit in commits for name in commit if name != "late"] == [
                f"{m} {n}" for m in range(30) for n in range(100)
            ]

    run(scenario)
