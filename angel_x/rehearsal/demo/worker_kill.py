"""Killing a worker in the middle of its work."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from angel_x.rehearsal.patience import Patience
from angel_x.rehearsal.process_tree import ProcessTree

#: Usual seconds in which a worker must be seen at work, be gone, and be replaced.
_SECONDS = 10.0


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


def kill_worker(
    pid_of_worker: Callable[[], int | None], patience: Patience, stop: Event
) -> WorkerKill:
    """Wait until a process of the worker is busy, and kill all of its processes at once."""
    worker = pid_of_worker()
    assert worker is not None
    tree = ProcessTree(worker)
    busy = tree.busy_child(patience.seconds(_SECONDS), stop)
    tree.signal(signal.SIGKILL)
    is_dead = patience.wait("the end of the killed worker", tree.are_gone, seconds=_SECONDS)
    patience.wait(
        "the start of another worker",
        lambda: pid_of_worker() not in {None, worker},
        seconds=_SECONDS,
    )
    successor = pid_of_worker()
    return WorkerKill(
        worker=worker,
        children=tuple(child.pid for child in tree.children),
        busy=busy.pid if busy else None,
        is_dead=is_dead,
        successor=successor if successor != worker else None,
    )
