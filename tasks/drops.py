"""Messages that cannot be run: logged once, counted and dropped."""

from __future__ import annotations

from enum import StrEnum

import structlog

from angel_x.domain.operations.metric import Metric
from tasks import runtime

log = structlog.get_logger()

_LONGEST = 200


class Dropped(StrEnum):
    """Reasons of dropped messages."""

    #: The bytes on the list are not a message.
    UNREADABLE = "unreadable"
    #: The headers or the body cannot be read.
    MALFORMED = "malformed"
    #: No task has this name: a typing error, or a sender of another release.
    UNKNOWN_TASK = "unknown_task"
    #: The task exists and does not take these arguments.
    ARGUMENTS = "arguments"
    #: A remote-control command that changes a worker.
    COMMAND = "command"


def drop(reason: Dropped, *, detail: str, task: object = None, message_id: object = None) -> None:
    """Write one line and count one message."""
    log.warning(
        "message.dropped",
        reason=reason.value,
        task=_short(task),
        message_id=_short(message_id),
        detail=detail[:_LONGEST],
    )
    runtime.meter().add(Metric.MESSAGES_DROPPED, reason=reason.value)


def _short(value: object) -> str | None:
    return None if value is None else str(value)[:_LONGEST]
