"""Advancing workflows: one step at a time, given up after too many that fail, told at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

import pytest

from angel_x.domain.workflows.workflow import Workflow, WorkflowKind, WorkflowStatus
from angel_x.services.workflows.workflows import Advance, WorkflowUnit
from tests.builders.recorders import RecordingEvents
from tests.fakes.workflows import MemoryWorkflows

BASKET, SQUARE_OFF = WorkflowKind.BASKET, WorkflowKind.SQUARE_OFF
DONE, FAILED, RUNNING = WorkflowStatus.DONE, WorkflowStatus.FAILED, WorkflowStatus.RUNNING


@dataclass
class Steps:
    """Takes steps as a test wants them."""

    error: Exception | None = None
    ends: WorkflowStatus | None = None
    advanced: list[int] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)

    def advance(self, unit: WorkflowUnit) -> None:
        self.advanced.append(unit.workflow.id)
        if self.error is not None:
            raise self.error
        if self.ends is None:
            unit.save({"step": len(self.advanced)})
        else:
            unit.finish(self.ends, {})

    def withdraw(self, workflow: Workflow) -> None:
        self.withdrawn.append(workflow.id)


class Office:
    def __init__(self) -> None:
        self.workflows = MemoryWorkflows()
        self.steps = {BASKET: Steps(), SQUARE_OFF: Steps()}
        self.events = RecordingEvents()
        self.advance = Advance(
            workflows=self.workflows,
            advancers=self.steps,
            publish=lambda events: self.events.publish(events),  # noqa: PLW0108 - a test replaces it
            transient=(ConnectionError,),
        )

    def start(self, kind: WorkflowKind = SQUARE_OFF, rings: int = 0) -> int:
        workflow, _ = self.workflows.start(
            7, kind, f"w{len(self.workflows.stored)}", request_hash=b"", spec={}, actor="ann"
        )
        self.workflows.stored[workflow.id] = replace(workflow, rings=rings)
        return workflow.id

    def of(self, workflow_id: int) -> Workflow:
        return self.workflows.stored[workflow_id]


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.mark.parametrize("kind", WorkflowKind)
def test_a_workflow_is_advanced_by_the_step_of_its_kind(office: Office, kind: WorkflowKind) -> None:
    workflow_id = office.start(kind)

    assert office.advance.run(workflow_id)

    assert {k: s.advanced for k, s in office.steps.items() if s.advanced} == {kind: [workflow_id]}
    assert (office.of(workflow_id).spec, office.of(workflow_id).rings) == ({"step": 1}, 0)
    assert office.events.published == []


@pytest.mark.parametrize("status", [DONE, FAILED])
def test_the_end_is_told_to_the_account(office: Office, status: WorkflowStatus) -> None:
    workflow_id = office.start()
    office.steps[SQUARE_OFF].ends = status

    assert office.advance.run(workflow_id)

    assert office.events.published == [
        {"user_id": 7, "kind": "square_off", "id": str(workflow_id), "status": status.value}
    ]
    assert not office.advance.run(workflow_id)
    assert len(office.events.published) == 1


def test_what_is_unknown_or_held_by_another_process_is_left(office: Office) -> None:
    workflow_id = office.start()

    assert not office.advance.run(99)
    with office.workflows.locked(workflow_id):
        assert not office.advance.run(workflow_id)

    assert office.steps[SQUARE_OFF].advanced == []


def test_a_stream_that_is_away_undoes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Sequence[Mapping[str, object]]) -> NoReturn:
        raise ConnectionError

    workflow_id = office.start()
    office.steps[SQUARE_OFF].ends = DONE
    monkeypatch.setattr(office.events, "publish", fail)

    assert office.advance.run(workflow_id)
    assert office.of(workflow_id).status is DONE


def test_an_outage_is_raised_and_does_not_count(office: Office) -> None:
    workflow_id = office.start(rings=3)
    office.steps[SQUARE_OFF].error = ConnectionError("away")

    with pytest.raises(ConnectionError):
        office.advance.run(workflow_id)

    assert (office.of(workflow_id).rings, office.of(workflow_id).status) == (3, RUNNING)
    assert office.events.published == []


def test_a_step_that_fails_is_raised_and_counts(office: Office) -> None:
    workflow_id = office.start(rings=3)
    office.steps[SQUARE_OFF].error = ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        office.advance.run(workflow_id)

    assert (office.of(workflow_id).rings, office.of(workflow_id).status) == (4, RUNNING)


@pytest.mark.parametrize("kind", WorkflowKind)
@pytest.mark.parametrize(("rings", "is_over"), [(19, False), (20, True)])
def test_after_twenty_attempts_that_failed_it_is_withdrawn_and_ends(
    office: Office, kind: WorkflowKind, rings: int, *, is_over: bool
) -> None:
    workflow_id = office.start(kind, rings)

    assert office.advance.run(workflow_id)

    steps, workflow = office.steps[kind], office.of(workflow_id)
    assert steps.advanced == ([] if is_over else [workflow_id])
    assert steps.withdrawn == ([workflow_id] if is_over else [])
    assert workflow.status is (FAILED if is_over else RUNNING)
    assert workflow.outcome == ({"reason": "PROCESSING_FAILED"} if is_over else None)
    assert len(office.events.published) == is_over
