"""A program's process and all that it has started, as the operating system shows them."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress

import psutil

from angel_x.rehearsal.chaos.environment import Ground, Unverified


class Family:
    """The processes of one group, those that lived when this was made."""

    def __init__(self, leader: int) -> None:
        try:
            parent = psutil.Process(leader)
            self.children: Sequence[psutil.Process] = parent.children(recursive=True)
        except psutil.NoSuchProcess:
            raise Unverified(f"process {leader} is gone already") from None
        self.leader = parent

    @property
    def members(self) -> list[psutil.Process]:
        return [self.leader, *self.children]

    def are_gone(self) -> bool:
        return not any(map(is_alive, self.members))

    def are_stopped(self) -> bool:
        """Say whether every process that lives is stopped."""
        return all(_status(process) == psutil.STATUS_STOPPED for process in self._living())

    def are_running(self) -> bool:
        """Say whether no process is stopped."""
        return not any(_status(process) == psutil.STATUS_STOPPED for process in self._living())

    def _living(self) -> list[psutil.Process]:
        return [process for process in self.members if is_alive(process)]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of them at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.leader.pid, number)

    def await_work(self, ground: Ground, seconds: float) -> psutil.Process | None:
        """Return a child that uses the processor, or None where none does in time."""
        before = {child.pid: processor_seconds(child) for child in self.children}
        busy: list[psutil.Process] = []

        def is_busy() -> bool:
            busy[:] = [c for c in self.children if processor_seconds(c) > before[c.pid]]
            return bool(busy)

        return busy[0] if ground.within(seconds, is_busy) else None


def is_alive(process: psutil.Process) -> bool:
    """Say whether a process still is the one that it was, and no corpse."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def processor_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _status(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return str(process.status())
    return psutil.STATUS_DEAD
