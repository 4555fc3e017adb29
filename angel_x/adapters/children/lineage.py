"""Signals between a parent and its children."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def dying_with_parent(number: int = signal.SIGTERM) -> Callable[[], None]:
    """Return a function for a new process that makes the kernel signal it when its parent dies.

    It belongs after a change of user, which would clear the request.
    """
    parent = os.getpid()

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, number)
        # The parent may have died before the kernel was asked.
        if os.getppid() != parent:
            os._exit(1)

    return ask


def signal_process(pid: int, number: int) -> None:
    """Signal a process, if it still exists."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_group(pid: int) -> None:
    """End the processes that are left of a group by the id of its leader."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of zombies
        os.killpg(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Return whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
