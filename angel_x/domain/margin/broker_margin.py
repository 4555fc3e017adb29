"""The broker's margin of each underlying beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ComparedMargin:
    """The margins of an underlying, in rupees."""

    underlying: str
    broker: Decimal
    ours: Decimal
    #: Their difference as a part of the larger one, from 0 to 1.
    ratio: float


def compared_margins(
    broker: Mapping[str, Decimal], ours: Mapping[str, Decimal]
) -> list[ComparedMargin]:
    """Return both margins of each underlying of the broker or of ours, the largest difference first."""
    found = [
        _compared(name, broker.get(name, _ZERO), ours.get(name, _ZERO))
        for name in sorted(broker.keys() | ours.keys())
    ]
    return sorted(found, key=lambda each: -each.ratio)


def _compared(underlying: str, broker: Decimal, ours: Decimal) -> ComparedMargin:
    larger = max(broker, ours)
    ratio = float(abs(broker - ours) / larger) if larger > 0 else 0.0
    return ComparedMargin(underlying, broker, ours, min(ratio, 1.0))
