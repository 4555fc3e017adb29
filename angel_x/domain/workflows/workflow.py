"""A workflow: work of several transactions that goes on after any of them was the last of a process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class WorkflowKind(StrEnum):
    BASKET = "basket"
    SQUARE_OFF = "square_off"


class WorkflowStatus(StrEnum):
    """*Failed* means that nobody works on it any more and that its outcome says what is left."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow as it is stored."""

    id: int
    user_id: int
    kind: WorkflowKind
    #: Names it among the workflows of its account and kind.
    key: str
    status: WorkflowStatus
    #: What was asked for and what has been found out since, as JSON.
    spec: dict[str, Any]
    #: What came of it, as JSON; None while it runs.
    outcome: dict[str, Any] | None
    actor: str
    #: Attempts to advance it since it last got on.
    rings: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueWorkflow:
    """A workflow that nobody advances and whose time has come."""

    id: int
    kind: WorkflowKind
