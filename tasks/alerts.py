"""The tasks of the queue ``alerts``.  Each may run twice, or never, without harm."""

from __future__ import annotations

from config.task_names import TaskName
from tasks import runtime
from tasks.app import app


@app.task(name=TaskName.COLLECT_ALERTS)
def collect() -> None:
    """Write the notices of new events and conditions, and send those that are due."""
    alerts = runtime.current().alerts
    alerts.collector.collect()
    alerts.sender.send_due()


@app.task(name=TaskName.SEND_ALERTS)
def send() -> None:
    """Send the notices that are due."""
    runtime.current().alerts.sender.send_due()
