"""What a storm is asked to be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    orders: int
    minutes: float
    seed: int
    #: Faults that have to be proven.
    faults: int
    drain_seconds: float
    keeps_home: bool = False
