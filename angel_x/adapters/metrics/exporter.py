"""One page for Prometheus: the counts of every process of this machine, and the system's state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from angel_x.adapters.metrics.collector import Source, SystemCollector


def registry(directory: Path, sources: list[Source]) -> CollectorRegistry:
    """Return what a scrape shows."""
    directory.mkdir(parents=True, exist_ok=True)
    made = CollectorRegistry(auto_describe=False)
    MultiProcessCollector(made, path=str(directory))  # type: ignore[no-untyped-call]
    made.register(SystemCollector(sources))
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
