"""Workflows in memory, under the contract of those on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from angel_x.domain.workflows.workflow import DueWorkflow, Workflow, WorkflowKind, WorkflowStatus
from angel_x.errors import IdempotencyConflict
from tests.fakes.tables import NOW

_ATTEMPT_SECONDS = 5.0


@dataclass
class MemoryWorkflowUnit:
    """One workflow, locked.  What it saves is kept once it is left without an error."""

    store: MemoryWorkflows
    workflow: Workflow
    #: Set once it was saved or finished: the workflow as it then is, and when it is due.
    after: tuple[Workflow, datetime] | None = None
    is_alone: bool = False

    def alone(self) -> bool:
        kind, user_id = self.workflow.kind, self.workflow.user_id
        if (kind, user_id) in self.store.alone and not self.is_alone:
            return False
        self.store.alone.add((kind, user_id))
        self.is_alone = True
        return True

    def save(self, spec: Mapping[str, Any] | None = None, *, due_in: float = 0.0) -> None:
        kept = replace(self._current, spec=self._spec(spec), rings=0)
        self.after = kept, self.store.now() + timedelta(seconds=due_in)

    def finish(
        self,
        status: WorkflowStatus,
        outcome: Mapping[str, Any],
        *,
        spec: Mapping[str, Any] | None = None,
    ) -> None:
        ended = replace(
            self._current,
            spec=self._spec(spec),
            status=status,
            outcome=json.loads(json.dumps(outcome)),
            finished_at=self.store.now(),
        )
        self.after = ended, self.store.due_at[self.workflow.id]

    @property
    def _current(self) -> Workflow:
        return self.workflow if self.after is None else self.after[0]

    def _spec(self, spec: Mapping[str, Any] | None) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(self.workflow.spec if spec is None else spec))
        return found


@dataclass
class MemoryWorkflows:
    """Every workflow by its id."""

    now: Callable[[], datetime] = lambda: NOW
    stored: dict[int, Workflow] = field(default_factory=dict)
    hashes: dict[int, bytes] = field(default_factory=dict)
    due_at: dict[int, datetime] = field(default_factory=dict)
    locks: set[int] = field(default_factory=set)
    #: Kind and account of the units that found themselves alone.
    alone: set[tuple[WorkflowKind, int]] = field(default_factory=set)

    def start(
        self,
        user_id: int,
        kind: WorkflowKind,
        key: str,
        *,
        request_hash: bytes,
        spec: Mapping[str, Any],
        actor: str,
        due_in: float = 1.0,
    ) -> tuple[Workflow, bool]:
        found = self.named(user_id, kind, key)
        if found is not None:
            if self.hashes[found.id] != request_hash:
                raise IdempotencyConflict(key, field="key")
            return found, False
        new = Workflow(
            id=len(self.stored) + 1,
            user_id=user_id,
            kind=kind,
            key=key,
            status=WorkflowStatus.RUNNING,
            spec=json.loads(json.dumps(spec)),
            outcome=None,
            actor=actor,
            rings=0,
            created_at=self.now(),
            finished_at=None,
        )
        self.stored[new.id], self.hashes[new.id] = new, request_hash
        self.due_at[new.id] = self.now() + timedelta(seconds=due_in)
        return new, True

    @contextmanager
    def locked(self, workflow_id: int) -> Iterator[MemoryWorkflowUnit | None]:
        found = self.stored.get(workflow_id)
        is_running = found is not None and found.status is WorkflowStatus.RUNNING
        if found is None or not is_running or workflow_id in self.locks:
            yield None
            return
        attempt = replace(found, rings=found.rings + 1)
        self.stored[workflow_id] = attempt
        self.due_at[workflow_id] = self.now() + timedelta(seconds=_ATTEMPT_SECONDS)
        unit = MemoryWorkflowUnit(self, attempt)
        self.locks.add(workflow_id)
        try:
            yield unit
            if unit.after is not None:
                self.stored[workflow_id], self.due_at[workflow_id] = unit.after
        finally:
            self.locks.discard(workflow_id)
            if unit.is_alone:
                self.alone.discard((attempt.kind, attempt.user_id))

    def forgive(self, workflow_id: int) -> None:
        found = self.stored[workflow_id]
        self.stored[workflow_id] = replace(found, rings=max(found.rings - 1, 0))

    def due(self, limit: int, *, pause_seconds: float = _ATTEMPT_SECONDS) -> list[DueWorkflow]:
        waiting = [
            w
            for w in self.stored.values()
            if w.status is WorkflowStatus.RUNNING
            and w.id not in self.locks
            and self.due_at[w.id] <= self.now()
        ]
        taken = sorted(waiting, key=lambda w: self.due_at[w.id])[:limit]
        for workflow in taken:
            self.due_at[workflow.id] = self.now() + timedelta(seconds=pause_seconds)
        return [DueWorkflow(w.id, w.kind) for w in sorted(taken, key=lambda w: w.id)]

    def named(self, user_id: int, kind: WorkflowKind, key: str) -> Workflow | None:
        wanted = user_id, kind, key
        return next((w for w in self.stored.values() if (w.user_id, w.kind, w.key) == wanted), None)

    def read(self, user_id: int, workflow_id: int) -> Workflow | None:
        found = self.stored.get(workflow_id)
        return found if found is not None and found.user_id == user_id else None
