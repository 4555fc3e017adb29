"""Fault points: a named step of the order protocol at which a test kills or stops a process."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path
from typing import Literal

from angel_x.domain.orders.step import Passing, Step, unhindered
from angel_x.errors import InvalidInput

Action = Literal["kill", "stop"]

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def fault_mark(home: Path, step: Step) -> Path:
    """Return the file that exists once the fault has happened; it holds the process id."""
    return home / "faults" / step.value


def passing(home: Path, at: str | None, action: Action) -> Passing:
    """Return the function to call at each step; ``at`` is ``step`` or ``step:n``.

    Raises:
        InvalidInput: No step has this name.
    """
    if at is None:
        return unhindered
    name, _, number = at.partition(":")
    try:
        step = Step(name)
    except ValueError:
        raise InvalidInput(f"no step has this name: {name}") from None
    return FaultPoint(fault_mark(home, step), step, int(number or 1), _SIGNALS[action])


class FaultPoint:
    """Sends this process a signal when it passes a step for the n-th time.

    The fault happens once in a home: the process that replaces the killed one continues.
    """

    def __init__(self, mark: Path, step: Step, number: int, signum: signal.Signals) -> None:
        self._mark = mark
        self._step = step
        self._number = number
        self._signum = signum
        # Counted atomically, because several threads pass the same step.
        self._passings = itertools.count(1)

    def __call__(self, step: Step) -> None:
        if step is self._step and next(self._passings) == self._number and self._is_first():
            os.kill(os.getpid(), self._signum)

    def _is_first(self) -> bool:
        self._mark.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._mark.open("x", encoding="ascii") as mark:
                mark.write(str(os.getpid()))
        except FileExistsError:
            return False
        return True
