"""Ids that are gathered for a while, to travel in one message."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection


class Gathering:
    """Ids that are due together, ``pause_seconds`` after the first of them was added."""

    def __init__(self, monotonic: Callable[[], float], *, pause_seconds: float) -> None:
        self._monotonic = monotonic
        self._pause_seconds = pause_seconds
        self._lock = threading.Lock()
        self._ids: set[int] = set()
        self._due_at = 0.0

    def add(self, ids: Collection[int]) -> bool:
        """Add ids; return whether they are the first."""
        with self._lock:
            is_first = not self._ids
            if is_first:
                self._due_at = self._monotonic() + self._pause_seconds
            self._ids |= set(ids)
            return is_first

    def due_in(self) -> float | None:
        """Return the seconds until the ids are due, 0 from then on; None where there are none."""
        with self._lock:
            return max(0.0, self._due_at - self._monotonic()) if self._ids else None

    def take(self) -> list[int]:
        """Return the ids and forget them, due or not."""
        with self._lock:
            taken, self._ids = sorted(self._ids), set()
            return taken
