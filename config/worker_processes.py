"""The classes of workers that a system runs, and the number of their processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.queues import WORKER_QUEUES, QueueName

if TYPE_CHECKING:
    from config.settings import Settings

#: Two, because the replacement of a killed child takes some seconds.
_EMERGENCY = 2
#: Two, because a service that does not answer must not hold up all others.
_ALERTS = 2
_OPTIONAL = "alerts"


def worker_classes(settings: Settings) -> tuple[str, ...]:
    """Return the classes of workers that a system needs: that of alerts where there is a key for them."""
    return tuple(kind for kind in WORKER_QUEUES if kind != _OPTIONAL or settings.alerts_key)


def consumed_queues(settings: Settings) -> list[QueueName]:
    """Return the queues that some worker of a system consumes."""
    found = {queue for kind in worker_classes(settings) for queue in WORKER_QUEUES[kind]}
    return [queue for queue in QueueName if queue in found]


def worker_processes(kind: str, settings: Settings) -> int:
    """Return the number of processes of one worker of a class."""
    concurrency = {
        "emergency": _EMERGENCY,
        "orders": settings.order_processing_workers,
        "greeks": settings.parallel_greek_workers,
        "alerts": _ALERTS,
    }
    return concurrency.get(kind, 1)
