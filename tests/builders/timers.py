"""A monotonic timer that tests advance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Timer:
    """Returns the same seconds until ``now`` is set."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now
