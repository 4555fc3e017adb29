"""The options of a soak."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakOptions:
    minutes: float
    orders_per_second: float
    seed: int
    keeps_home: bool = False
