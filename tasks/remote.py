"""The remote-control commands of workers: those that read, with masked replies, and no others.

Any client of the message broker can broadcast a command.  Celery's own would also set rate limits and
time limits, shrink pools, end consumers, revoke tasks and stop workers, and could not undo all of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.control import Panel, inspect_command

from angel_x.adapters.redaction import Redaction
from angel_x.adapters.resident import resident_bytes
from tasks import runtime
from tasks.drops import Dropped, drop

#: The name under which workers are asked for the memory of their parent and their children.  A
#: periodic task reaches one process only; a command reaches the parent of every worker.
MEMORY = "memory_report"
#: Read by probes (``ping``), by the pages of Flower, and by :mod:`tasks.monitor`.  ``hello`` of a
#: starting worker is not among them: it would revoke tasks.
TAKEN = frozenset(
    {
        "ping",
        "stats",
        "active",
        "reserved",
        "scheduled",
        "revoked",
        "registered",
        "active_queues",
        "conf",
        # Flower asks for it when it connects; it makes a worker tell that it lives.
        "heartbeat",
        MEMORY,
    }
)

_Command = Callable[..., object]


class Commands(dict[str, _Command]):
    """Commands by name; every other name is that of a refusal."""

    def __missing__(self, name: str) -> _Command:
        return partial(_refuse, name)


def guard() -> None:
    """Let workers take the commands of :data:`TAKEN` only; a second call changes nothing."""
    if not isinstance(Panel.data, Commands):
        known: dict[str, _Command] = Panel.data
        Panel.data = Commands({name: partial(_masked, known[name]) for name in TAKEN})


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


def _masked(command: _Command, state: object, **arguments: object) -> object:
    """Run a command and mask the secrets in its reply: options and statistics contain addresses."""
    return _without_secrets(command(state, **arguments), Redaction(runtime.settings().secrets))


def _without_secrets(reply: object, redaction: Redaction) -> object:
    if isinstance(reply, str):
        return redaction.masked(reply)
    if isinstance(reply, dict):
        return {name: _without_secrets(value, redaction) for name, value in reply.items()}
    if isinstance(reply, (list, tuple)):
        return [_without_secrets(value, redaction) for value in reply]
    return reply


def _refuse(name: str, _state: object, **_arguments: object) -> dict[str, str]:
    drop(Dropped.COMMAND, detail="workers do not take this command", task=name)
    return {"error": f"workers do not take this command: {str(name)[:50]}"}
