"""The duration of each part of a rehearsal."""

from __future__ import annotations

from time import monotonic

STARTUP = "system ready"


class Phases:
    """A stopwatch: each part begins where the one before ended."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = monotonic()

    def end(self, name: str) -> None:
        """Note the seconds since the last part ended."""
        now = monotonic()
        self.seconds[name] = round(now - self._began, 2)
        self._began = now
