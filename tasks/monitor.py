"""The monitor queue: memory of all processes, state of all queues, tomorrow's partitions."""

from __future__ import annotations

from datetime import datetime

import structlog

from config.task_names import TaskName
from tasks import remote, runtime
from tasks.app import app

log = structlog.get_logger()

#: The wait for answers of workers in seconds.
_PATIENCE = 2.0


@app.task(name=TaskName.CHECK_MEMORY)
def check_memory() -> None:
    """Request memory reports of every worker and its children, and store the answers."""
    replies = app.control.broadcast(remote.MEMORY, reply=True, timeout=_PATIENCE) or []
    seen = {
        name: (pid, resident)
        for reply in replies
        for processes in reply.values()
        for name, (pid, resident) in processes.items()
    }
    overview = runtime.current().operations.memory
    found = overview.observe(seen)
    gone = overview.prune()
    largest = max((report.current_mb for report in found.values()), default=0.0)
    log.info("memory.checked", processes=len(found), gone=gone, largest_mb=round(largest, 1))


@app.task(name=TaskName.CHECK_QUEUES)
def check_queues() -> None:
    """Look at the depth and the age of every queue."""
    runtime.current().operations.queues.check()


@app.task(name=TaskName.CANARY)
def canary(queue: str, sent_at: datetime) -> None:
    """Record that a worker took the canary of a queue."""
    runtime.current().operations.canaries.hear(queue, sent_at)


@app.task(name=TaskName.MAINTAIN_PARTITIONS)
def maintain_partitions() -> None:
    """Create the partitions of the coming days, and delete old Greeks and minutes."""
    runtime.current().operations.partitions.maintain()
    runtime.current().analytics.greeks_archive.forget()
    runtime.current().analytics.minute_sampling.forget()


@app.task(name=TaskName.WRITE_REVIEWS)
def write_reviews() -> None:
    """Write the weekly and the monthly review where a week or a month has begun."""
    runtime.current().operations.reviews.write_due()


@app.task(name=TaskName.ENFORCE_RETENTION)
def enforce_retention() -> None:
    """Move closed positions to the partition of their day; export partitions past their retention, and drop them.

    Each takes some seconds at most.
    """
    runtime.current().operations.closed_positions.move()
    runtime.current().operations.retention.enforce()


@app.task(name=TaskName.RECONCILE_BROKER)
def reconcile_broker() -> None:
    """Compare the broker's books with the database where orders go to the broker."""
    runtime.current().trading.reconciler.run_if_live()
    runtime.current().trading.margin_comparison.run_if_live()


@app.task(name=TaskName.PROVE_INVARIANTS)
def prove_invariants() -> None:
    """Prove the next slices of the books, for some seconds at most."""
    runtime.current().operations.proofs.advance()


@app.task(name=TaskName.SAMPLE_MINUTE)
def sample_minute() -> None:
    """Store the quotes of the minute of market time unless that was done."""
    runtime.current().analytics.minute_sampling.run()
