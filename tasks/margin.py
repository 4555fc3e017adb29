"""The task of the queue ``margin``.  It may run twice, or never, without harm."""

from __future__ import annotations

from config.task_names import TaskName
from tasks import runtime
from tasks.app import app


@app.task(name=TaskName.MARK_MARGIN)
def mark() -> None:
    """Mark the margin of all accounts if it is due."""
    runtime.current().margin_marking.run_if_due()
