"""A process that is gone is paged for by name, and by nothing else."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil
import pytest

from config.loading import defaults
from config.worker_processes import worker_classes
from tests.e2e.processes import eventually
from tests.e2e.whole.instance import Instance
from tests.monitoring.prometheus import Prometheus

#: An idle machine needs some fifteen seconds.
PATIENCE = 600
#: Names of the run file by the role of the metric.
PROGRAMS = {
    **{role: role for role in ("api", "relay", "feed")},
    **{kind: f"worker-{kind}" for kind in worker_classes(defaults("production"))},
}
SERVERS = {"postgres": "database", "broker": "broker", "cache": "cache"}


def quiet(watch: Prometheus) -> None:
    """Wait until the whole system is seen, and no page stands."""

    def is_quiet() -> bool:
        seen = watch.ask("query", query="angel_x_processes > 0")["result"]
        roles = {each["metric"].get("role") for each in seen}
        return roles >= set(PROGRAMS) and not watch.pages()

    eventually(is_quiet, "every process is seen and nothing is paged for", PATIENCE)


@contextmanager
def nobody_repairs(system: Instance) -> Iterator[None]:
    """Stop what would start processes again: the supervisor and the guardian of the servers."""
    keepers = [psutil.Process(system.pids[name]) for name in ("up", "guardian")]
    for keeper in keepers:
        keeper.suspend()
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.resume()


def kill(pids: Sequence[int]) -> None:
    for pid in pids:
        for process in [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]:
            # Children of PostgreSQL come and go.
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)


def programs(system: Instance, name: str) -> list[int]:
    """Return the processes of a program, however many of it run."""
    found = [
        pid for each, pid in system.pids.items() if each == name or each.rpartition("-")[0] == name
    ]
    assert found, (name, system.pids)
    return found


@pytest.mark.parametrize("role", sorted(PROGRAMS))
def test_a_class_of_processes_that_is_gone_is_the_only_page(
    system: Instance, watch: Prometheus, role: str
) -> None:
    quiet(watch)

    with nobody_repairs(system):
        kill(programs(system, PROGRAMS[role]))
        eventually(watch.pages, f"a page for {role}", PATIENCE)
        assert watch.pages() == {("ProcessesMissing", role)}

    quiet(watch)


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_a_server_that_is_gone_is_the_only_page(
    system: Instance, watch: Prometheus, name: str
) -> None:
    quiet(watch)

    with nobody_repairs(system):
        kill([system.pids[name]])
        eventually(watch.pages, f"a page for the {name}", PATIENCE)
        assert watch.pages() == {("ServerAway", SERVERS[name])}

    quiet(watch)


def test_of_a_system_that_is_gone_as_a_whole_its_metrics_are_the_only_page(
    system: Instance, watch: Prometheus
) -> None:
    quiet(watch)

    system.kill()
    eventually(watch.pages, "a page", PATIENCE)
    assert watch.pages() == {("MetricsDown", "")}

    system.start()
    quiet(watch)
