"""The page for Prometheus: the metrics of every process of this machine, and the system's state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from threading import Lock

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client import Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.metrics.collector import Source, SystemCollector, family_of
from angel_x.adapters.metrics.files import is_readable
from angel_x.adapters.metrics.retirement import Retirement
from angel_x.domain.operations.metric import Metric

log = structlog.get_logger()


class CountsCollector(Collector):
    """Sums the files of all processes; unreadable files are left out, counted and named."""

    def __init__(self, directory: Path, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock
        self._skipped: set[Path] = set()
        self._retirement: Retirement | None = None
        # One scrape at a time, because a scrape removes files.
        self._turn = Lock()

    def collect(self) -> Iterator[Family]:
        """Yield each counted metric, and the number and the names of skipped files."""
        with self._turn:
            self._retire()
            families = list(self._families())
        yield from families

    def _retire(self) -> None:
        # A disk that allows no sweep leaves the files as they are.
        with suppress(OSError):
            self._retirement = self._retirement or Retirement(self._directory, self._clock)
            for slot in self._retirement.sweep():
                log.info("metrics_slot.retired", slot=slot)

    def _families(self) -> Iterator[Family]:
        files = sorted(self._directory.glob("*.db"))
        skipped = {file for file in files if not is_readable(file)}
        for file in skipped - self._skipped:
            log.warning("metrics_file.skipped", file=file.name)
        self._skipped = skipped
        readable = [str(file) for file in files if file not in skipped]
        yield from MultiProcessCollector.merge(readable)  # type: ignore[no-untyped-call]
        yield family_of(Metric.METRICS_FILES_UNREADABLE, {"": len(skipped)})
        yield family_of(Metric.METRICS_FILE_UNREADABLE, {file.name: 1 for file in skipped})

    def describe(self) -> list[Family]:
        """Return nothing, so that registering reads no file."""
        return []


def registry(
    directory: Path, sources: list[Source], clock: Callable[[], datetime] = wall_clock
) -> CollectorRegistry:
    """Return the registry of a scrape."""
    made = CollectorRegistry(auto_describe=False)
    made.register(CountsCollector(directory, clock))
    made.register(
        SystemCollector([Source(Metric.BUILD_INFO, lambda: {version("angel-x"): 1}), *sources])
    )
    return made


@contextmanager
def served(shown: CollectorRegistry, host: str, port: int) -> Iterator[int]:
    """Serve the page while the block runs, and yield the port; zero asks for a free one."""
    server, thread = start_http_server(port, addr=host, registry=shown)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
