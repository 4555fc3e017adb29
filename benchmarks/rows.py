"""Rows of a benchmark run: the samples of a reference and of Angel-X, and their statistics."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean, median, quantiles, stdev
from typing import Any

_WHOLE_FROM = 100
_NOT_A_WORD = re.compile(r"\W+")

#: Measures one variant once; the number of the round tells samples apart.
Measure = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Statistics:
    """The distribution of samples, in their unit."""

    count: int
    min: float
    median: float
    mean: float
    max: float
    stdev: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One work, measured in two variants in the same run."""

    name: str
    unit: str
    #: The name of the variant that Angel-X is held against.
    reference: str
    #: The name of the variant of Angel-X.
    measured: str
    #: Samples by variant, in the order of the rounds.
    samples: Mapping[str, Sequence[float]]
    #: Whether a larger value is better, as of orders a second.
    more_is_better: bool = False
    #: Whether the n-th samples of both variants are of the same round.
    is_paired: bool = True
    #: Whether the reference is code of its own, whose speed is that of the machine.
    is_yardstick: bool = True
    #: The name for scripts; by default made of the name.
    operation: str = ""

    def statistics(self, variant: str) -> Statistics:
        """Return the distribution of a variant."""
        return statistics_of(self.samples[variant])

    @property
    def times_better(self) -> float:
        """The median of the reference by that of Angel-X, or the other way round where more is better."""
        reference, measured = (median(self.samples[v]) for v in (self.reference, self.measured))
        return measured / reference if self.more_is_better else reference / measured

    def as_json(self) -> dict[str, object]:
        """Return the row with its name for scripts, its medians, and the statistics of each variant.

        ``ratio`` is how many times better Angel-X is; the medians are null where the unit is not
        milliseconds.
        """
        shown = {variant: asdict(self.statistics(variant)) for variant in self.samples}
        derived = {
            "operation": self.operation or _NOT_A_WORD.sub("_", self.name.lower()).strip("_"),
            "baseline_ms": self._milliseconds(self.reference),
            "optimized_ms": self._milliseconds(self.measured),
            "ratio": self.times_better,
            "statistics": shown,
        }
        return {**asdict(self), **derived}

    def _milliseconds(self, variant: str) -> float | None:
        return median(self.samples[variant]) if self.unit == "ms" else None


def statistics_of(samples: Sequence[float]) -> Statistics:
    """Return the distribution of at least one sample."""
    several = len(samples) > 1
    middle = median(samples)
    return Statistics(
        count=len(samples),
        min=min(samples),
        median=middle,
        mean=fmean(samples),
        max=max(samples),
        stdev=stdev(samples) if several else 0.0,
        p50=middle,
        p99=quantiles(samples, n=100, method="inclusive")[98] if several else middle,
    )


def row_of(document: Mapping[str, Any]) -> Row:
    """Return the row that a run file holds."""
    stored = {field.name for field in fields(Row)}
    return Row(**{name: value for name, value in document.items() if name in stored})


def interleaved(rounds: int, variants: Mapping[str, Measure]) -> dict[str, list[float]]:
    """Measure each variant once a round, in turn, so that a drift of the machine meets all of them."""
    samples: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds):
        order = list(variants.items())
        # The variant that comes second has a warmer processor cache.
        for name, measure in order if number % 2 else reversed(order):
            samples[name].append(measure(number))
    return samples


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table, two lines each."""
    head = ["", "", "samples", "least", "median (p50)", "most", "deviation", "p99", "unit", "times"]
    lines = [_line(head), _line(["---", "---", *["---:"] * 6, "---", "---:"])]
    for row in rows:
        for variant in (row.reference, row.measured):
            s = row.statistics(variant)
            is_measured = variant == row.measured
            figures = [figure(v) for v in (s.min, s.median, s.max, s.stdev, s.p99)]
            times = f"**{figure(row.times_better)}**" if is_measured else ""
            name = "" if is_measured else row.name
            lines.append(_line([name, variant, str(s.count), *figures, row.unit, times]))
    return "\n".join(lines)


def figure(value: float) -> str:
    """Return a number with three digits that count, or whole above a hundred."""
    if abs(value) >= _WHOLE_FROM:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(" |" if cell == "" else f" {cell} |" for cell in cells)
