"""Killing a worker in the middle of its work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

#: Seconds in which a worker must be seen at work, and then be gone.
_PATIENCE = 10.0
_GLANCE = 0.02


@dataclass(frozen=True, slots=True)
class Strike:
    """A worker and its processes, killed with SIGKILL."""

    worker: int
    children: tuple[int, ...]
    #: A process that was using the processor when it was killed.
    busy: int | None
    #: Whether all of them were gone afterwards.
    is_dead: bool
    #: The worker that the supervisor has started in its place.
    successor: int | None


def strike(pid_of_worker: Callable[[], int | None]) -> Strike:
    """Wait until a process of the worker works, and kill all of them at once."""
    worker = pid_of_worker()
    assert worker is not None
    processes = psutil.Process(worker).children(recursive=True)
    busy = _await_busy(processes)
    # The worker leads a process group; nobody gets the chance to say goodbye.
    os.killpg(worker, signal.SIGKILL)
    pids = (worker, *(process.pid for process in processes))
    return Strike(
        worker=worker,
        children=pids[1:],
        busy=busy,
        is_dead=_await(lambda: not any(map(_is_alive, pids))),
        successor=_await_successor(pid_of_worker, worker),
    )


def _await_busy(processes: list[psutil.Process]) -> int | None:
    """Return a process that has used the processor within a glance; None where none has."""
    before = {process.pid: _processor_seconds(process) for process in processes}
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        time.sleep(_GLANCE)
        for process in processes:
            if _processor_seconds(process) > before[process.pid]:
                return process.pid
    return None


def _processor_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _await_successor(pid_of_worker: Callable[[], int | None], worker: int) -> int | None:
    _await(lambda: pid_of_worker() not in {None, worker})
    successor = pid_of_worker()
    return successor if successor != worker else None


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _await(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_GLANCE)
    return True
