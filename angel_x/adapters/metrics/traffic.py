"""Orders a second and their latency, between two looks at the files of metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.multiprocess import MultiProcessCollector

from angel_x.adapters.metrics.files import is_readable
from angel_x.domain.operations.metric import Metric

if TYPE_CHECKING:
    from pathlib import Path

_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Traffic:
    """Times in milliseconds, None where no order was decided."""

    orders_a_second: float
    median_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of all processes of this machine at one time."""

    decided: float
    #: Orders by the upper bound of their latency in seconds, each with those of the bounds below.
    by_latency: Counter[float]


def read_counts(directory: Path) -> Counts:
    """Read the files of metrics and change none of them; damaged ones are left out."""
    files = [str(file) for file in sorted(directory.glob("*.db")) if is_readable(file)]
    samples = [
        sample
        for family in MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        for sample in family.samples
    ]
    by_latency: Counter[float] = Counter()
    for sample in samples:
        if sample.name == f"{Metric.ORDER_LATENCY_SECONDS}_bucket":
            by_latency[float(sample.labels["le"])] += int(sample.value)
    decided = sum(s.value for s in samples if s.name == Metric.ORDERS_PROCESSED)
    return Counts(decided, by_latency)


def between(before: Counts, after: Counts, seconds: float) -> Traffic:
    """Return the traffic of the time between two counts."""
    latencies = after.by_latency - before.by_latency
    return Traffic(
        round((after.decided - before.decided) / seconds, 1),
        _quantile(latencies, 0.5),
        _quantile(latencies, 0.99),
    )


def latency_since_start(directory: Path) -> float | None:
    """Return the median latency of all orders of this machine in milliseconds, None without any."""
    return _quantile(read_counts(directory).by_latency, 0.5)


def _quantile(counts: Counter[float], part: float) -> float | None:
    """Return the upper bound below which a part of the orders lies, in milliseconds."""
    bounds = sorted(counts)
    if not bounds:
        return None
    wanted = part * counts[bounds[-1]]
    return next(bound for bound in bounds if counts[bound] >= wanted) * _MILLISECONDS
