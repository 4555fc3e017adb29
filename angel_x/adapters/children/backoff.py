"""The pause before a child that has ended starts again."""

from __future__ import annotations


class Backoff:
    """Pauses that double, in seconds; a child that lived long enough starts again at once."""

    def __init__(self, *, shortest: float, longest: float, healthy_after: float) -> None:
        self._shortest = shortest
        self._longest = longest
        self._healthy_after = healthy_after
        self._next = shortest

    def pause(self, lived: float) -> float:
        """Return the pause after a life of so many seconds, and double the next one."""
        if lived >= self._healthy_after:
            self._next = self._shortest
            return 0.0
        pause, self._next = self._next, min(2 * self._next, self._longest)
        return pause
