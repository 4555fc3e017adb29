"""Advancing workflows: one process at a time advances a workflow.

An advance may run again from its start: it reads the state from the database, and every order that
it sends has an id derived from the workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import structlog

from angel_x.domain.workflows.workflow import Workflow, WorkflowKind, WorkflowStatus
from angel_x.services.ports import Publish

log = structlog.get_logger()

#: The number of consecutive failed attempts after which a workflow is given up.
MAX_ATTEMPTS = 20


class WorkflowUnit(Protocol):
    """One locked workflow.  Saved changes are committed when it is left without an error."""

    @property
    def workflow(self) -> Workflow: ...

    def alone(self) -> bool:
        """Return whether no other workflow of its kind is being advanced for its account."""

    def save(self, spec: Mapping[str, Any] | None = None, *, due_in: float = 0.0) -> None:
        """Store the state, and the seconds until the next advance is due."""

    def finish(
        self,
        status: WorkflowStatus,
        outcome: Mapping[str, Any],
        *,
        spec: Mapping[str, Any] | None = None,
    ) -> None:
        """End the workflow; it is not advanced any more."""


class Workflows(Protocol):
    """The store of workflows."""

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
        """Store a workflow, or find that of the same key; the second value is whether it is new."""

    def locked(self, workflow_id: int) -> AbstractContextManager[WorkflowUnit | None]:
        """Lock a workflow; None if it is finished, unknown or locked by another process."""

    def forgive(self, workflow_id: int) -> None:
        """Do not count an attempt that failed because of a server."""

    def named(self, user_id: int, kind: WorkflowKind, key: str) -> Workflow | None:
        """Return a workflow of an account by its key."""

    def read(self, user_id: int, workflow_id: int) -> Workflow | None:
        """Return a workflow of an account."""


class Advancer(Protocol):
    """Advances the workflows of one kind."""

    def advance(self, unit: WorkflowUnit) -> None:
        """Do all work that is possible now, then save or finish the workflow."""

    def withdraw(self, workflow: Workflow) -> None:
        """Cancel the open orders of a workflow that is given up."""


class Advance:
    """Advances workflows.  A second call advances further, or does nothing."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        advancers: Mapping[WorkflowKind, Advancer],
        publish: Publish,
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._workflows = workflows
        self._advancers = advancers
        self._publish = publish
        #: Errors of servers, not of workflows.
        self._transient = transient

    def run(self, workflow_id: int) -> bool:
        """Advance a workflow; return False if it was not available to this process."""
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
            self._advancers[workflow.kind].withdraw(workflow)
            unit.finish(WorkflowStatus.FAILED, {"reason": "PROCESSING_FAILED"})
            return
        self._advancers[workflow.kind].advance(unit)

    def _tell(self, user_id: int, workflow_id: int) -> None:
        """Publish the status of a workflow that has ended."""
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
            self._publish([event])
        except self._transient as error:
            log.warning("workflow.unpublished", workflow_id=workflow_id, error=str(error))
