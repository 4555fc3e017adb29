"""Advancing workflows: whoever asks, one process at a time takes the next step.

A step may run again from its start: it finds out in the database what is done, and every order that
it sends has an id that follows from the workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import structlog

from angel_x.domain.workflows.workflow import Workflow, WorkflowKind, WorkflowStatus
from angel_x.services.ports import EventStream

log = structlog.get_logger()

#: Attempts that fail one after the other before a workflow is given up.
MAX_ATTEMPTS = 20


class WorkflowUnit(Protocol):
    """One workflow, locked.  What it saves is durable once it is left without an error."""

    @property
    def workflow(self) -> Workflow: ...

    def alone(self) -> bool:
        """Return whether this is the only one of its kind that is advanced for its account now."""

    def save(self, spec: Mapping[str, Any] | None = None, *, due_in: float = 0.0) -> None:
        """Note what is known by now, and in how many seconds to look again."""

    def finish(
        self,
        status: WorkflowStatus,
        outcome: Mapping[str, Any],
        *,
        spec: Mapping[str, Any] | None = None,
    ) -> None:
        """End it; nobody advances it any more."""


class Workflows(Protocol):
    """Where workflows are stored."""

    def start(
        self,
        user_id: int,
        kind: WorkflowKind,
        key: str,
        *,
        request_hash: bytes,
        spec: Mapping[str, Any],
        actor: str,
    ) -> tuple[Workflow, bool]:
        """Store a workflow, or find the one of the same key; the second value says if it is new."""

    def locked(self, workflow_id: int) -> AbstractContextManager[WorkflowUnit | None]:
        """Give the workflow, locked, or None if it is finished, unknown, or another process's."""

    def forgive(self, workflow_id: int) -> None:
        """Take an attempt back that failed through no fault of the workflow."""

    def named(self, user_id: int, kind: WorkflowKind, key: str) -> Workflow | None:
        """Return a workflow of an account by its key."""

    def read(self, user_id: int, workflow_id: int) -> Workflow | None:
        """Return a workflow of an account."""


class Step(Protocol):
    """What advances the workflows of one kind."""

    def advance(self, unit: WorkflowUnit) -> None:
        """Do what can be done now, then save or finish the workflow."""

    def withdraw(self, workflow: Workflow) -> None:
        """Take off what the workflow has in the market or on the way there: it is given up."""


class Advance:
    """Takes the next step of a workflow.  A second call takes the one after it, or none."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        steps: Mapping[WorkflowKind, Step],
        events: EventStream,
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._workflows = workflows
        self._steps = steps
        self._events = events
        #: Errors of servers, not of workflows.
        self._transient = transient

    def run(self, workflow_id: int) -> bool:
        """Advance a workflow; False if there was nothing to do for this process."""
        try:
            with self._workflows.locked(workflow_id) as unit:
                if unit is None:
                    return False
                self._advance(unit)
                workflow = unit.workflow
        except self._transient:
            self._workflows.forgive(workflow_id)
            raise
        self._tell(workflow.user_id, workflow.id)
        return True

    def _advance(self, unit: WorkflowUnit) -> None:
        workflow = unit.workflow
        if workflow.rings > MAX_ATTEMPTS:
            log.error("workflow.parked", workflow_id=workflow.id, kind=workflow.kind.value)
            self._steps[workflow.kind].withdraw(workflow)
            unit.finish(WorkflowStatus.FAILED, {"reason": "PROCESSING_FAILED"})
            return
        self._steps[workflow.kind].advance(unit)

    def _tell(self, user_id: int, workflow_id: int) -> None:
        """Publish where the workflow stands if that was its last step."""
        workflow = self._workflows.read(user_id, workflow_id)
        if workflow is None or workflow.status is WorkflowStatus.RUNNING:
            return
        event = {
            "user_id": user_id,
            "kind": workflow.kind.value,
            "id": str(workflow_id),
            "status": workflow.status.value,
        }
        try:
            self._events.publish([event])
        except self._transient as error:
            log.warning("workflow.untold", workflow_id=workflow_id, error=str(error))
