"""The tasks that workers run at this moment, by Celery's remote control."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import cast

from celery import Celery


def active_tasks(options: Mapping[str, object], *, seconds: float) -> dict[str, Counter[str]]:
    """Return the number of running tasks by name for each worker that answers within ``seconds``.

    ``options`` are those of Celery.  A worker that takes longer is absent.

    Raises:
        kombu.exceptions.OperationalError: The message broker does not answer.
    """
    app = Celery(set_as_current=False, fixups=[])
    # A command does not wait for a broker to come back.
    app.conf.update(options, broker_connection_max_retries=1)
    try:
        replies = app.control.inspect(timeout=seconds).active() or {}
    finally:
        app.close()
    answers = cast("Mapping[str, list[Mapping[str, str]]]", replies)
    return {
        worker: Counter(task["name"] for task in tasks) for worker, tasks in sorted(answers.items())
    }
