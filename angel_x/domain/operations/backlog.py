"""Undecided orders by lane."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LaneBacklog:
    """The orders of one priority that were received and not decided."""

    waiting: int
    #: Seconds since the oldest of them was accepted; zero where none waits.
    oldest_seconds: float
