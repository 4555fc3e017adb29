"""The result of one load on one system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Measured:
    """Throughput and CPU of a load; the CPU of its client is not included."""

    orders: int
    #: Orders that did not trade in full, because the market had not enough to offer.
    not_filled: int
    #: From the first order accepted to the last one closed, by the database's clock.
    seconds: float
    orders_per_second: float
    cpu_us_per_order: float
    orders_per_cpu_second: float
    #: Microseconds an order, by role of the process.
    cpu_us_by_process: Mapping[str, float]
    #: Milliseconds from accepted to closed; empty where an order is accepted and closed at once.
    latency_ms: Mapping[str, float]


def measured(
    seconds: float,
    cpu: Mapping[str, float],
    *,
    orders: int,
    not_filled: int = 0,
    latencies_ms: Sequence[float] = (),
) -> Measured:
    """Divide the seconds and the CPU seconds of a load by its orders."""
    total = sum(cpu.values())
    return Measured(
        orders=orders,
        not_filled=not_filled,
        seconds=round(seconds, 3),
        orders_per_second=round(orders / seconds, 1),
        cpu_us_per_order=round(total / orders * 1e6, 1),
        orders_per_cpu_second=round(orders / total, 1),
        cpu_us_by_process={role: round(used / orders * 1e6, 1) for role, used in cpu.items()},
        latency_ms=percentiles(latencies_ms) if len(latencies_ms) > 1 else {},
    )


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99 of at least two values."""
    hundredths = quantiles(values, n=100)
    return {
        "p50": round(median(values), 2),
        "p95": round(hundredths[94], 2),
        "p99": round(hundredths[98], 2),
    }


def medians(results: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Merge results of the same shape: numbers to their median, everything else as in the first.

    A number that some of them lack is the median of the others.
    """
    merged: dict[str, object] = {}
    for name in {name: None for result in results for name in result}:
        values = [result[name] for result in results if name in result]
        merged[name] = _median(values)
    return merged


def _median(values: Sequence[object]) -> object:
    if isinstance(values[0], Mapping):
        return medians([value for value in values if isinstance(value, Mapping)])
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return round(median(numbers), 3) if numbers else values[0]
