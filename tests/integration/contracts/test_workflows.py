"""Workflows, in the database and in memory alike: started once, advanced by one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Protocol

import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.workflows import PostgresWorkflows
from angel_x.domain.workflows.workflow import DueWorkflow, Workflow, WorkflowKind, WorkflowStatus
from angel_x.errors import IdempotencyConflict
from angel_x.services.workflows import workflows as ports
from tests.builders.accounts import open_accounts
from tests.fakes.workflows import MemoryWorkflows

SQUARE_OFF, BASKET = WorkflowKind.SQUARE_OFF, WorkflowKind.BASKET
DONE, FAILED, RUNNING = WorkflowStatus.DONE, WorkflowStatus.FAILED, WorkflowStatus.RUNNING
_keys = count(1)


class Store(ports.Workflows, Protocol):
    """The calls of services and of the relay."""

    def due(self, limit: int) -> Sequence[DueWorkflow]: ...


class BrokenOffError(Exception):
    """Raised within a unit."""


@pytest.fixture(params=["postgres", "memory"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryWorkflows()
        return
    engine: Engine = request.getfixturevalue("engine")
    assert open_accounts(engine, 2) == [1, 2]
    yield PostgresWorkflows(engine)


def start(
    store: Store,
    key: str | None = None,
    user_id: int = 1,
    kind: WorkflowKind = SQUARE_OFF,
    content: bytes = b"a",
) -> Workflow:
    workflow, is_new = store.start(
        user_id,
        kind,
        key or f"key {next(_keys)}",
        request_hash=content,
        spec={"orders": []},
        actor="api",
    )
    assert is_new
    return workflow


def read(store: Store, workflow: Workflow) -> Workflow:
    found = store.read(workflow.user_id, workflow.id)
    assert found is not None
    return found


def save(store: Store, workflow: Workflow, due_in: float = 0.0) -> None:
    with store.locked(workflow.id) as unit:
        assert unit is not None
        unit.save(due_in=due_in)


def finish(store: Store, workflow: Workflow, status: WorkflowStatus = DONE) -> None:
    with store.locked(workflow.id) as unit:
        assert unit is not None
        unit.finish(status, {"flat": True}, spec={"orders": [7]})


def break_off(
    store: Store, workflow: Workflow, step: Callable[[ports.WorkflowUnit], object]
) -> None:
    """Take a step that fails at its end."""
    with store.locked(workflow.id) as unit:
        assert unit is not None
        step(unit)
        raise BrokenOffError


def test_a_new_workflow_runs_with_what_was_asked_for(store: Store) -> None:
    workflow = start(store, "out", 2)

    stored = read(store, workflow)
    assert stored == workflow
    assert (stored.user_id, stored.kind, stored.key) == (2, SQUARE_OFF, "out")
    assert (stored.status, stored.spec, stored.outcome) == (RUNNING, {"orders": []}, None)
    assert (stored.actor, stored.rings, stored.finished_at) == ("api", 0, None)
    assert isinstance(stored.created_at, datetime)


def test_a_second_start_under_a_key_finds_the_first_one_as_it_stands(store: Store) -> None:
    first = start(store, "out")
    finish(store, first)

    again, is_new = store.start(
        1, SQUARE_OFF, "out", request_hash=b"a", spec={"orders": [99]}, actor="else"
    )

    assert (again, is_new) == (read(store, first), False)
    assert (again.status, again.spec, again.actor) == (DONE, {"orders": [7]}, "api")


def test_other_content_under_a_key_is_a_conflict_and_changes_nothing(store: Store) -> None:
    first = start(store, "out")

    with pytest.raises(IdempotencyConflict):
        store.start(1, SQUARE_OFF, "out", request_hash=b"b", spec={}, actor="api")

    assert read(store, first) == first


def test_a_key_belongs_to_its_account_and_kind(store: Store) -> None:
    mine = start(store, "out")
    others = start(store, "out", 2), start(store, "out", kind=BASKET), start(store, "in")

    assert len({mine.id, *(other.id for other in others)}) == 4
    assert store.named(1, SQUARE_OFF, "out") == mine
    assert store.named(2, SQUARE_OFF, "out") == others[0]
    assert store.named(1, BASKET, "out") == others[1]
    assert store.named(2, BASKET, "out") is None


def test_no_other_account_reads_a_workflow(store: Store) -> None:
    workflow = start(store)

    assert store.read(2, workflow.id) is None
    assert store.read(1, workflow.id + 1) is None


def test_one_at_a_time_holds_a_workflow_and_another_one_is_free(store: Store) -> None:
    one, other = start(store), start(store)

    with store.locked(one.id) as first, store.locked(one.id) as second:
        assert first is not None
        assert second is None
        with store.locked(other.id) as free:
            assert free is not None
    assert read(store, one).rings == 1
    save(store, one)


def test_an_unknown_workflow_and_one_that_has_ended_are_nobodys(store: Store) -> None:
    ended = start(store)
    finish(store, ended)

    for workflow_id in (ended.id, ended.id + 1):
        with store.locked(workflow_id) as unit:
            assert unit is None
    assert read(store, ended).rings == 1


def test_each_attempt_counts_until_one_gets_on(store: Store) -> None:
    workflow, other = start(store), start(store)

    for attempt in (1, 2):
        with store.locked(workflow.id) as unit:
            assert unit is not None
            assert unit.workflow.rings == attempt
    assert read(store, workflow).rings == 2
    save(store, workflow)

    assert read(store, workflow).rings == 0
    assert read(store, other).rings == 0


def test_an_attempt_that_raises_counts_and_keeps_nothing_else(store: Store) -> None:
    workflow = start(store)

    def meddle(unit: ports.WorkflowUnit) -> None:
        unit.save({"orders": [1]})
        unit.finish(DONE, {})

    with pytest.raises(BrokenOffError):
        break_off(store, workflow, meddle)

    stored = read(store, workflow)
    assert (stored.status, stored.spec, stored.rings) == (RUNNING, {"orders": []}, 1)
    save(store, workflow)


def test_what_is_saved_replaces_the_specification_of_this_one_alone(store: Store) -> None:
    workflow, other = start(store), start(store)

    with store.locked(workflow.id) as unit:
        assert unit is not None
        unit.save({"orders": [1]})
    save(store, workflow)

    assert read(store, workflow).spec == {"orders": [1]}
    assert read(store, other) == other


def test_an_end_is_stored_with_status_outcome_and_time_of_this_one_alone(store: Store) -> None:
    workflow, other = start(store), start(store)

    finish(store, workflow, FAILED)

    stored = read(store, workflow)
    assert (stored.status, stored.outcome, stored.spec) == (FAILED, {"flat": True}, {"orders": [7]})
    assert stored.finished_at is not None
    assert read(store, other) == other


def test_an_end_without_a_specification_leaves_it_as_it_was(store: Store) -> None:
    workflow = start(store)

    with store.locked(workflow.id) as unit:
        assert unit is not None
        unit.finish(DONE, {})

    assert read(store, workflow).spec == {"orders": []}


def test_an_attempt_is_forgiven_one_at_a_time_and_never_below_none(store: Store) -> None:
    workflow, other = start(store), start(store)
    for each in (workflow, workflow, other):
        with store.locked(each.id):
            pass

    store.forgive(workflow.id)
    assert (read(store, workflow).rings, read(store, other).rings) == (1, 1)
    store.forgive(workflow.id)
    store.forgive(workflow.id)
    assert read(store, workflow).rings == 0


def test_one_of_an_account_and_kind_is_alone_until_it_is_left(store: Store) -> None:
    first, second = start(store), start(store)
    foreign, basket = start(store, user_id=2), start(store, kind=BASKET)

    with store.locked(first.id) as one, store.locked(second.id) as two:
        assert one is not None
        assert two is not None
        assert one.alone()
        assert one.alone()
        assert not two.alone()
        with store.locked(foreign.id) as three, store.locked(basket.id) as four:
            assert three is not None
            assert four is not None
            assert three.alone()
            assert four.alone()
        assert not two.alone()
    with store.locked(second.id) as two:
        assert two is not None
        assert two.alone()


def test_it_is_alone_no_longer_once_its_step_has_failed(store: Store) -> None:
    first, second = start(store), start(store)
    with pytest.raises(BrokenOffError):
        break_off(store, first, lambda unit: unit.alone())

    with store.locked(second.id) as two:
        assert two is not None
        assert two.alone()


def due(store: Store, limit: int = 10) -> list[int]:
    return [workflow.id for workflow in store.due(limit)]


def test_a_workflow_is_due_when_it_said_and_then_given_away_once(store: Store) -> None:
    later, now, basket = start(store), start(store), start(store, kind=BASKET)
    assert due(store) == []
    save(store, later, due_in=60)
    save(store, basket)
    save(store, now)

    taken = store.due(10)

    assert [(w.id, w.kind) for w in taken] == [(now.id, SQUARE_OFF), (basket.id, BASKET)]
    assert due(store) == []


def test_the_longest_due_are_given_first_and_no_more_than_asked_for(store: Store) -> None:
    workflows = [start(store) for _ in range(4)]
    for workflow, due_in in zip(workflows, (-1, -4, -2, -3), strict=True):
        save(store, workflow, due_in=due_in)

    assert due(store, 2) == [workflows[1].id, workflows[3].id]
    assert due(store, 1) == [workflows[2].id]
    assert due(store) == [workflows[0].id]


def test_a_workflow_is_not_due_while_it_is_advanced_nor_right_after_a_failed_attempt(
    store: Store,
) -> None:
    workflow = start(store)
    save(store, workflow)

    with store.locked(workflow.id):
        assert due(store) == []
    assert due(store) == []


def test_a_workflow_that_has_ended_is_never_due(store: Store) -> None:
    workflow = start(store)
    save(store, workflow, due_in=-10)
    finish(store, workflow)

    assert due(store) == []
