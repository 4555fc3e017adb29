"""The tasks of the queue ``greeks``.  Each may run twice, or never, without harm."""

from __future__ import annotations

from datetime import datetime

from config.task_names import TaskName
from tasks import runtime
from tasks.app import app


@app.task(name=TaskName.REFRESH_GREEKS)
def refresh() -> None:
    """Ask for every chain that has moved or grows old."""
    runtime.current().analytics.greeks.refresh()


@app.task(name=TaskName.COMPUTE_GREEKS_CHUNK)
def compute_chunk(version: str, start: int, stop: int, as_of: datetime) -> None:
    """Price and publish one chunk."""
    runtime.current().analytics.greeks.compute_chunk(version, start, stop, as_of)
