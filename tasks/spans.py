"""Runs of tasks as spans, which continue the trace of the message's sender."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from celery import signals, states

from angel_x.domain.operations.span import TRACEPARENT
from tasks import runtime

if TYPE_CHECKING:
    from celery import Task


class TaskSpans:
    """Opens a span before each run, and closes it after."""

    def __init__(self) -> None:
        self._open: dict[str, ExitStack] = {}

    def install(self) -> None:
        """Let Celery call this around each run."""
        # Celery alone holds this object.
        signals.task_prerun.connect(self.begin, weak=False)
        signals.task_postrun.connect(self.end, weak=False)

    def begin(self, task_id: str, task: Task, **_: object) -> None:
        """Open the span of a run.  Without a readable context in the message it begins a trace."""
        tracer = runtime.current().base.tracer
        if tracer is None:
            return
        given = task.request.get(TRACEPARENT)
        parent = given if isinstance(given, str) else None
        stack = self._open[task_id] = ExitStack()
        span = stack.enter_context(
            tracer.span(f"process {task.name}", kind="consumer", parent=parent)
        )
        span.note("messaging.system", "redis")
        span.note("messaging.message.id", task_id)
        queue = (task.request.delivery_info or {}).get("routing_key")
        if isinstance(queue, str):
            span.note("messaging.destination.name", queue)

    def end(self, task_id: str, state: str | None = None, **_: object) -> None:
        """Close the span of a run."""
        stack = self._open.pop(task_id, None)
        if stack is None:
            return
        tracer = runtime.current().base.tracer
        span = None if tracer is None else tracer.current()
        if state == states.FAILURE and span is not None:
            span.fail(states.FAILURE)
        stack.close()
