"""Fixtures of tests under a real Prometheus: ``make test-monitoring`` runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from angel_x.entrypoints.up.addresses import free_ports
from tests.e2e.whole.instance import Instance, environment_of
from tests.monitoring import prometheus
from tests.monitoring.prometheus import Prometheus
from tests.plugins.servers import temporary_home


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder: `make test` leaves them out by the mark."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("monitoring")


@pytest.fixture(scope="session")
def system() -> Iterator[Instance]:
    """A whole system as ``angel-x up`` runs it, one for the session."""
    with temporary_home() as home:
        instance = Instance(home, environment_of(home))
        try:
            instance.start()
            yield instance
        finally:
            instance.stop()


@pytest.fixture(scope="session")
def watch(system: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus over the system's page of metrics."""
    (port,) = free_ports("127.0.0.1", 1)
    target = urlsplit(system.run_file["metrics_url"]).netloc
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus.running(folder, port, {"angel-x": target}) as server:
        yield server
