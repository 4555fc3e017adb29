"""The composition root: where settings, adapters and services become one application."""

from __future__ import annotations

import inspect
from functools import cached_property

from angel_x.adapters.postgres.backlog import Backlog
from angel_x.adapters.postgres.invariants import Invariants
from angel_x.adapters.postgres.partitions import Partitions
from angel_x.adapters.redis.memory_board import MemoryBoard
from angel_x.adapters.resident import resident_bytes
from angel_x.bootstrap.operations import OperationParts
from angel_x.services.operations.memory import MemoryOverview, MemoryWatch
from angel_x.services.operations.queues import QueueMonitor
from config.settings import Settings


class Application(OperationParts):
    """Everything that one process works with.  It belongs to the process that built it.

    Each part is made once, from the parts that it needs; :func:`build` makes them all.
    """

    @cached_property
    def _memory_board(self) -> MemoryBoard:
        return MemoryBoard(self.cache)

    @cached_property
    def backlog(self) -> Backlog:
        return Backlog(self.engine)

    @cached_property
    def invariants(self) -> Invariants:
        return Invariants(self.engine)

    @cached_property
    def partitions(self) -> Partitions:
        return Partitions(self.engine, self.clock)

    @cached_property
    def memory(self) -> MemoryOverview:
        return MemoryOverview(reports=self._memory_board, clock=self.clock)

    @cached_property
    def memory_watch(self) -> MemoryWatch:
        return MemoryWatch(
            f"{self.settings.node}/{self.role}",
            reports=self._memory_board,
            meter=self.meter,
            events=self.events,
            clock=self.clock,
            resident_bytes=resident_bytes,
            threshold_mb=self.settings.memory_alert_threshold_mb,
        )

    @cached_property
    def queues(self) -> QueueMonitor:
        return QueueMonitor(
            depths=self._depths,
            backlog=self.backlog,
            events=self.events,
            max_waiting=self.settings.max_queue_size,
            max_age_seconds=self.settings.queue_age_alert_seconds,
        )


def build(settings: Settings, *, role: str) -> Application:
    """Put the application of one process together; ``role`` names it in metrics and reports.

    Nothing is connected to yet, unless ``WARM_CACHE_ON_STARTUP`` asks for the universe.  Then the first
    process of a Greeks worker also asks for whatever Greeks are not published, or have grown old.
    Quotes nobody can warm but their source: a feed that starts says all that it knows at once.

    Raises:
        SettingsError: An address that the process needs is not known.
    """
    application = Application(settings, role)
    # All at once, so that threads never race for the first use of a part.
    for part, _ in inspect.getmembers_static(Application, lambda m: isinstance(m, cached_property)):
        getattr(application, part)
    if settings.warm_cache_on_startup:
        application.universes.current()
        if _is_first_of_greeks(role):
            application.greeks.refresh()
    return application


def _is_first_of_greeks(role: str) -> bool:
    """Say whether a process speaks for its worker, so that not every child asks for the same."""
    worker, _, place = role.rpartition("-")
    return worker.startswith("greeks") and place == "0"
