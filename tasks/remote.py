"""The remote-control command through which every worker looks at its parent and its children.

A periodic task reaches one process only; a control command reaches the parent of every worker.
"""

from __future__ import annotations

import os
from typing import Any

from celery.worker.control import inspect_command

from angel_x.adapters.resident import resident_bytes
from tasks import runtime

#: The name under which the command is broadcast.
MEMORY = "memory_report"


@inspect_command(name=MEMORY)
def memory_report(state: Any) -> dict[str, tuple[int, int]]:  # noqa: ANN401 - Celery is untyped
    """Return the process id and the resident bytes of the parent and of each child."""
    worker = state.hostname
    pids = {_name(worker, None): os.getpid()}
    # Only the pool has the place of a child.
    for child in state.consumer.pool._pool._pool:  # noqa: SLF001
        pids[_name(worker, child.index)] = child.pid
    found = {name: (pid, resident_bytes(pid)) for name, pid in pids.items()}
    return {name: (pid, size) for name, (pid, size) in found.items() if size is not None}


def _name(worker: str, index: int | None) -> str:
    return f"{runtime.settings().node}/{runtime.role_of(worker, index)}"
