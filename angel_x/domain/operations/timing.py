"""Times of one kind of work, of a process or of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Timing:
    """Count, average and extremes are of all times of a process, the quantiles of the newest ones."""

    count: int
    avg_ms: float
    min_ms: float
    max_ms: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def together(cls, timings: Iterable[Self]) -> Self:
        """Return the times of several processes as one.

        The median is averaged by count, and the 99th percentile is the worst of any: the exact ones are
        those of the histograms.
        """
        each = list(timings)
        count = sum(timing.count for timing in each)
        return cls(
            count,
            sum(timing.count * timing.avg_ms for timing in each) / count,
            min(timing.min_ms for timing in each),
            max(timing.max_ms for timing in each),
            sum(timing.count * timing.p50_ms for timing in each) / count,
            max(timing.p99_ms for timing in each),
        )


def quantile(ordered: Sequence[float], part: float) -> float:
    """Return the smallest value that a part of ordered values does not exceed (nearest rank)."""
    rank = -int(-part * len(ordered) // 1)
    return ordered[max(0, rank - 1)]
