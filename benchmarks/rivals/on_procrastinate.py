"""procrastinate on PostgreSQL: ``procrastinate --app benchmarks.rivals.on_procrastinate.app worker``."""

from __future__ import annotations

import os

import procrastinate

from benchmarks.rivals.booking import DATABASE_URL, book

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ[DATABASE_URL]))


@app.task(name="execute")
def execute(order_id: int) -> None:
    """Book one order."""
    book(order_id)


def prepare() -> None:
    """Make the tables of the queue; the process stays connected."""
    app.open()
    app.schema_manager.apply_schema()


def enqueue(order_id: int) -> None:
    """Store one job."""
    execute.defer(order_id=order_id)
