"""The memory report of Beat and Flower, which have no tasks and no application."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from angel_x.adapters.metrics import NullMeter
from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.redis.events import EventStream
from angel_x.adapters.redis.memory_board import MemoryBoard
from angel_x.adapters.resident import resident_bytes
from angel_x.services.operations.memory import MemoryReporter, MemoryWatch
from config.settings import Settings


def report_memory(settings: Settings, role: str, clock: Callable[[], datetime]) -> None:
    """Start a thread that reports the memory of this process until it ends."""
    cache = connect(settings.needed("cache_url"), socket_timeout=2)
    watch = MemoryWatch(
        f"{settings.node}/{role}",
        reports=MemoryBoard(cache),
        meter=NullMeter(),
        publish=EventStream(cache).publish,
        clock=clock,
        resident_bytes=resident_bytes,
        threshold_mb=settings.memory_alert_threshold_mb,
    )
    MemoryReporter(watch).start()
