"""The options of a storm."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosOptions:
    orders: int
    minutes: float
    seed: int
    #: Verified faults that are required.
    faults: int
    drain_seconds: float
    keeps_home: bool = False
