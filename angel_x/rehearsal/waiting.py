"""Waiting for a condition, for a bounded time and until a rehearsal is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from angel_x.bootstrap import TRANSIENT
from angel_x.errors import AngelXError

_Found = TypeVar("_Found")
_POLL_SECONDS = 0.02


class NotFinished(AngelXError):
    """A condition of a rehearsal was not reached, and its progress has stopped."""


class Interrupted(AngelXError):
    """A rehearsal was stopped, or could not continue."""


def holds_within(seconds: float, condition: Callable[[], bool], stop: Event) -> bool:
    """Return whether a condition becomes true within some seconds and before ``stop`` is set."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline or stop.wait(_POLL_SECONDS):
            return condition()
    return True


def holds_while_moving(
    seconds: float,
    condition: Callable[[], bool],
    progress: Callable[[], object],
    stop: Event,
) -> bool:
    """Return whether a condition becomes true before ``stop`` is set, as long as something moves.

    It is false once ``progress`` has returned the same value for some seconds.
    """
    reached, deadline = progress(), time.monotonic() + seconds
    while not condition():
        found = progress()
        if found != reached:
            reached, deadline = found, time.monotonic() + seconds
        elif time.monotonic() > deadline:
            return condition()
        if stop.wait(_POLL_SECONDS):
            return condition()
    return True


def through_outages(ask: Callable[[], _Found], stop: Event) -> _Found:
    """Return the first answer of servers that may be unavailable.

    Raises:
        Exception: Of :data:`TRANSIENT`, once ``stop`` is set.
    """
    while True:
        try:
            return ask()
        except TRANSIENT:
            if stop.wait(_POLL_SECONDS):
                raise
