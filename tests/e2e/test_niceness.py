"""Bulk work gives way to emergencies, in the worker and in the database behind it."""

from __future__ import annotations

import os

import psutil
import pytest

from tests.e2e.processes import Processes


def niceness(system: Processes, kind: str) -> int:
    """Start a class of worker as ``angel-x up`` does, and look at the processes it works with."""
    arguments = ("-m", "angel_x.entrypoints.cli", "worker", kind)
    worker = system.start(kind, *arguments, ANGEL_X_BULK_NICENESS="7")
    system.until_logged(kind, " ready.")
    processes = [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
    (found,) = {process.nice() for process in processes}
    return int(found)


@pytest.mark.parametrize(("kind", "expected"), [("monitor", 7), ("emergency", 0)])
def test_every_worker_but_the_one_for_emergencies_gives_up_bulk_niceness(
    system: Processes, kind: str, expected: int
) -> None:
    # Whoever runs the tests may have given way already.
    assert niceness(system, kind) == os.getpriority(os.PRIO_PROCESS, 0) + expected
