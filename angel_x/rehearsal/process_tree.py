"""The process of a program and all processes that it has started."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from threading import Event

import psutil

from angel_x.rehearsal.waiting import holds_within


class ProcessTree:
    """The processes of one group that lived when this was made.

    Raises:
        psutil.NoSuchProcess: The leader has ended already.
    """

    def __init__(self, leader: int) -> None:
        self.leader = psutil.Process(leader)
        self.children: Sequence[psutil.Process] = self.leader.children(recursive=True)

    @property
    def members(self) -> list[psutil.Process]:
        return [self.leader, *self.children]

    def are_gone(self) -> bool:
        return not any(map(is_alive, self.members))

    def are_stopped(self) -> bool:
        """Return whether every living process is stopped."""
        return all(_status(process) == psutil.STATUS_STOPPED for process in self._living())

    def are_running(self) -> bool:
        """Return whether no process is stopped."""
        return not any(_status(process) == psutil.STATUS_STOPPED for process in self._living())

    def _living(self) -> list[psutil.Process]:
        return [process for process in self.members if is_alive(process)]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of them at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.leader.pid, number)

    def busy_child(self, seconds: float, stop: Event) -> psutil.Process | None:
        """Wait for a child that uses the processor; None where there is none in time."""
        before = {child.pid: processor_seconds(child) for child in self.children}
        busy: list[psutil.Process] = []

        def is_busy() -> bool:
            busy[:] = [c for c in self.children if processor_seconds(c) > before[c.pid]]
            return bool(busy)

        return busy[0] if holds_within(seconds, is_busy, stop) else None


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process still runs under its id and is no zombie."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def processor_seconds(process: psutil.Process) -> float:
    """Return the processor time that a process has used; 0 where it has ended."""
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _status(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return str(process.status())
    return psutil.STATUS_DEAD
