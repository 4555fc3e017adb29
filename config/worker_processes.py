"""The number of processes of each class of worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.settings import Settings

#: Two, because the replacement of a killed child takes some seconds.
_EMERGENCY = 2


def worker_processes(kind: str, settings: Settings) -> int:
    """Return the number of processes of one worker of a class."""
    concurrency = {
        "emergency": _EMERGENCY,
        "orders": settings.order_processing_workers,
        "greeks": settings.parallel_greek_workers,
    }
    return concurrency.get(kind, 1)
