"""Memory reports: each process reports its own, and collects garbage above the threshold."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import structlog

from angel_x.domain.operations.memory_report import MemoryReport
from angel_x.domain.operations.metric import Metric
from angel_x.services.ports import Clock, Meter, Publish

log = structlog.get_logger()

_MEGABYTE = 1024 * 1024
#: Seconds after which a report without a successor counts as that of an ended process.
STALE_AFTER = 180.0
#: The ``user_id`` of events for all operators.
_EVERYBODY = 0


class MemoryReports(Protocol):
    """The store of memory reports."""

    def write(self, reports: Iterable[MemoryReport]) -> None: ...
    def read(self) -> Mapping[str, MemoryReport]: ...
    def forget(self, processes: Iterable[str]) -> None: ...


class MemoryWatch:
    """Measures the memory of its own process."""

    def __init__(
        self,
        process: str,
        *,
        reports: MemoryReports,
        meter: Meter,
        publish: Publish,
        clock: Clock,
        resident_bytes: Callable[[], int | None],
        threshold_mb: float,
        pause_seconds: float = 1.0,
        also: Callable[[], None] = lambda: None,
    ) -> None:
        self._process = process
        self._reports = reports
        self._meter = meter
        self._publish = publish
        self._clock = clock
        self._resident_bytes = resident_bytes
        self._threshold_mb = threshold_mb
        self._pause_seconds = pause_seconds
        #: Publishes the other reports of this process, as often.
        self._also = also
        self._last: MemoryReport | None = None

    def measure(self) -> MemoryReport | None:
        """Report the resident memory; a second call within the pause does nothing."""
        now = self._clock().timestamp()
        if self._last is not None and now - self._last.seen_at < self._pause_seconds:
            return None
        report = self._report(now)
        if report.current_mb > self._threshold_mb:
            report = self._relieve(report, now)
        self._last = report
        self._reports.write([report])
        self._also()
        return report

    def _report(self, now: float) -> MemoryReport:
        resident = self._resident_bytes() or 0
        return MemoryReport.of(self._process, os.getpid(), resident, now, self._last)

    def _relieve(self, over: MemoryReport, now: float) -> MemoryReport:
        """Collect garbage and raise the alert, however much memory that has freed."""
        collected = gc.collect()
        after = self._report(now)
        self._meter.add(Metric.MEMORY_ALERTS)
        found = {
            "process": self._process,
            "current_mb": round(over.current_mb, 1),
            "freed_mb": round(over.current_mb - after.current_mb, 1),
            "threshold_mb": self._threshold_mb,
        }
        log.warning("memory.exceeded", collected_objects=collected, **found)
        self._publish([{"user_id": _EVERYBODY, "kind": "alert", "alert": "memory", **found}])
        return after


class MemoryReporter:
    """A thread that measures at intervals, for processes without tasks."""

    def __init__(self, watch: MemoryWatch, interval_seconds: float = 10.0) -> None:
        self._watch = watch
        self._interval_seconds = interval_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory-reporter", daemon=True)

    def start(self) -> None:
        """Start the thread; it measures at once."""
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._watch.measure()
            except Exception as error:  # noqa: BLE001 - a dead cache must not end the watch
                log.warning("memory.unreported", error=str(error))
            self._ended.wait(self._interval_seconds)


class MemoryOverview:
    """Memory reports of all processes."""

    def __init__(self, *, reports: MemoryReports, clock: Clock) -> None:
        self._reports = reports
        self._clock = clock

    def observe(self, processes: Mapping[str, tuple[int, int]]) -> dict[str, MemoryReport]:
        """Report other processes, each given as process id and resident bytes."""
        known, now = self._reports.read(), self._clock().timestamp()
        found = {
            name: MemoryReport.of(name, pid, resident, now, known.get(name))
            for name, (pid, resident) in processes.items()
        }
        self._reports.write(found.values())
        return found

    def prune(self) -> list[str]:
        """Delete the reports of processes without a recent one, and return their names."""
        now = self._clock().timestamp()
        gone = [n for n, r in self._reports.read().items() if now - r.seen_at > STALE_AFTER]
        self._reports.forget(gone)
        return gone

    def reports(self) -> list[MemoryReport]:
        """Return the last report of every process, by name."""
        return [report for _, report in sorted(self._reports.read().items())]

    def all(self) -> dict[str, dict[str, object]]:
        """Return, for every process, ``current_mb``, ``delta_mb``, ``percent_increase`` and more."""
        return {name: report.as_dict() for name, report in sorted(self._reports.read().items())}

    def resident_bytes(self) -> dict[str, float]:
        return {n: r.current_mb * _MEGABYTE for n, r in self._reports.read().items()}
