"""DBOS on PostgreSQL: ``python -m benchmarks.rivals.on_dbos`` runs workflows from a queue."""

from __future__ import annotations

import os
import threading
from functools import cache

from dbos import DBOS, DBOSClient

from benchmarks.rivals.booking import DATABASE_URL, book

_QUEUE = "orders"
_VERSION = "1"
#: How many workflows a process takes from the queue at once, and how often it looks, in seconds.
_CONCURRENCY, _POLLING = 32, 0.05


@DBOS.step()
def execute_step(order_id: int) -> None:
    """Book one order."""
    book(order_id)


@DBOS.workflow()
def execute(order_id: int) -> None:
    """Run the one step of an order."""
    execute_step(order_id)


def prepare() -> None:
    """Make the tables of the queue."""
    _launch()
    DBOS.destroy()


def enqueue(order_id: int) -> None:
    """Store one workflow."""
    _client().enqueue(
        {"queue_name": _QUEUE, "workflow_name": execute.__qualname__, "app_version": _VERSION},
        order_id,
    )


@cache
def _client() -> DBOSClient:
    return DBOSClient(system_database_url=os.environ[DATABASE_URL])


def _launch() -> None:
    DBOS(
        config={
            "name": "rival",
            "system_database_url": os.environ[DATABASE_URL],
            "application_version": _VERSION,
            "executor_id": str(os.getpid()),
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    DBOS.register_queue(_QUEUE, worker_concurrency=_CONCURRENCY, polling_interval_sec=_POLLING)


if __name__ == "__main__":
    _launch()
    threading.Event().wait()
