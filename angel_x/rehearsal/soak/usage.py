"""Memory, descriptors and connections of every program, with the processes that it has started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import psutil


class Measure(StrEnum):
    """A measure of a program that must not grow."""

    #: Bytes that no other process shares.
    MEMORY = "memory"
    DESCRIPTORS = "descriptors"
    CONNECTIONS = "connections"


@dataclass(slots=True)
class Usage:
    """The sums over the processes of one program."""

    memory: int = 0
    descriptors: int = 0
    connections: int = 0

    def add(self, process: psutil.Process) -> None:
        """Add a process, unless it has ended meanwhile."""
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess), process.oneshot():
            memory = process.memory_full_info().uss
            descriptors, connections = process.num_fds(), len(process.net_connections("all"))
            self.memory += memory
            self.descriptors += descriptors
            self.connections += connections

    def of(self, measure: Measure) -> int:
        return int(getattr(self, measure.value))


def usages(leaders: Mapping[str, int]) -> dict[str, Usage]:
    """Return the usage of each program that runs, by name.

    ``leaders`` has the process id of each.  A process that another program has started, and that
    leads a program itself, counts for its own.
    """
    found, apart = {}, frozenset(leaders.values())
    for name, pid in leaders.items():
        usage = Usage()
        for process in _tree(pid, apart):
            usage.add(process)
        if usage.memory:
            found[name] = usage
    return found


def _tree(pid: int, apart: Set[int]) -> Iterator[psutil.Process]:
    """Yield a process and its descendants, without those that are apart."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        children = process.children()
        yield process
        for child in children:
            if child.pid not in apart:
                yield from _tree(child.pid, apart)
