"""A workflow: work of several transactions, which another process continues after a crash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class WorkflowKind(StrEnum):
    BASKET = "basket"
    SQUARE_OFF = "square_off"


class WorkflowStatus(StrEnum):
    """*Failed* means that it is not advanced any more; its outcome has the remainder."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Workflow:
    """The stored form of a workflow."""

    id: int
    user_id: int
    kind: WorkflowKind
    #: Unique among the workflows of its account and kind.
    key: str
    status: WorkflowStatus
    #: The request and the state since, as JSON.
    spec: dict[str, Any]
    #: The result as JSON; None while it runs.
    outcome: dict[str, Any] | None
    actor: str
    #: Attempts to advance it since its last progress.
    rings: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueWorkflow:
    """A workflow whose next step is due and which no process advances."""

    id: int
    kind: WorkflowKind
