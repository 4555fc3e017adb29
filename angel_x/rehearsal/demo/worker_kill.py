"""Killing a worker in the middle of its work."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from angel_x.rehearsal.process_tree import ProcessTree
from angel_x.rehearsal.waiting import holds_within

#: Seconds in which a worker must be seen at work, be gone, and be replaced.
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class WorkerKill:
    """A worker and its processes, killed with SIGKILL."""

    worker: int
    children: tuple[int, ...]
    #: A process that was using the processor when it was killed.
    busy: int | None
    #: Whether all of them were gone afterwards.
    is_dead: bool
    #: The worker that the supervisor has started in its place.
    successor: int | None


def kill_worker(pid_of_worker: Callable[[], int | None], stop: Event) -> WorkerKill:
    """Wait until a process of the worker is busy, and kill all of its processes at once."""
    worker = pid_of_worker()
    assert worker is not None
    tree = ProcessTree(worker)
    busy = tree.busy_child(_TIMEOUT, stop)
    tree.signal(signal.SIGKILL)
    is_dead = holds_within(_TIMEOUT, tree.are_gone, stop)
    holds_within(_TIMEOUT, lambda: pid_of_worker() not in {None, worker}, stop)
    successor = pid_of_worker()
    return WorkerKill(
        worker=worker,
        children=tuple(child.pid for child in tree.children),
        busy=busy.pid if busy else None,
        is_dead=is_dead,
        successor=successor if successor != worker else None,
    )
