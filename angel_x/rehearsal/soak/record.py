"""The samples of a soak, and the trend of every program in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from angel_x.rehearsal.soak.trend import BLOCKS, Growth, growth
from angel_x.rehearsal.soak.usage import Measure, Usage

#: The part of a soak in which caches fill and pools open; nothing is judged by it.
WARM_UP = 0.25
#: Growth that is no leak: the resolution of the measurement, and the part of the level.
_FLOORS: Mapping[Measure, float] = {
    Measure.MEMORY: 1024.0 * 1024.0,
    Measure.DESCRIPTORS: 1.0,
    Measure.CONNECTIONS: 1.0,
}
_FLOOR_OF_LEVEL = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One measure of one program over a soak."""

    program: str
    measure: Measure
    #: The mean over the judged samples.
    level: float
    growth: Growth

    @property
    def floor(self) -> float:
        """Growth up to which nothing is said."""
        return max(_FLOORS[self.measure], _FLOOR_OF_LEVEL * self.level)

    @property
    def is_leak(self) -> bool:
        return self.growth.is_leak(self.floor)


@dataclass(slots=True)
class Record:
    """Samples by program, and the seconds at which they were taken."""

    _seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _usages: dict[str, list[Usage]] = field(default_factory=lambda: defaultdict(list))

    def add(self, seconds: float, usages: Mapping[str, Usage]) -> None:
        """Add a sample of every program."""
        for name, usage in usages.items():
            self._seconds[name].append(seconds)
            self._usages[name].append(usage)

    def trends(self, warm_up: float) -> Iterator[Trend]:
        """Yield the trend of each measure of each program after so many seconds.

        A program with fewer samples than a trend has blocks has none: it lived too short.
        """
        for name, seconds in sorted(self._seconds.items()):
            at = np.array(seconds)
            judged = at >= warm_up
            if judged.sum() < BLOCKS:
                continue
            for measure in Measure:
                values = np.array([usage.of(measure) for usage in self._usages[name]], float)
                yield Trend(
                    program=name,
                    measure=measure,
                    level=float(values[judged].mean()),
                    growth=growth(at[judged], values[judged]),
                )
