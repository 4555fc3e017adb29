"""The recorder of times: bounded in names and in samples, on top of the histograms."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from angel_x.domain.operations.metric import Metric
from angel_x.domain.operations.timing import Timing, quantile
from angel_x.services.ports import Meter

#: The newest times of a name that are kept for its quantiles.
KEPT = 512
#: Further names share one, so that a label with many values costs no memory.
MOST_NAMES = 64
OTHERS = "others"
_MILLISECONDS = 1000


@dataclass(slots=True)
class _Times:
    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    most: float = 0.0
    newest: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, seconds: float) -> None:
        self.count += 1
        self.total += seconds
        self.least = min(self.least, seconds)
        self.most = max(self.most, seconds)
        self.newest.append(seconds)

    def shown(self) -> Timing:
        ordered = sorted(self.newest)
        times = (
            self.total / self.count,
            self.least,
            self.most,
            quantile(ordered, 0.5),
            quantile(ordered, 0.99),
        )
        return Timing(self.count, *(round(each * _MILLISECONDS, 3) for each in times))


class Recorder:
    """The times of one process; threads may share it."""

    def __init__(self) -> None:
        self._times: dict[str, _Times] = {}
        self._lock = Lock()

    def record(self, name: str, seconds: float) -> None:
        """Record one time under a name."""
        with self._lock:
            times = self._times.get(name)
            if times is None:
                name = name if len(self._times) < MOST_NAMES else OTHERS
                times = self._times.setdefault(name, _Times())
            times.add(seconds)

    def timings(self) -> dict[str, Timing]:
        """Return the times of every name."""
        with self._lock:
            return {name: times.shown() for name, times in sorted(self._times.items())}


class RecordingMeter:
    """A meter whose histograms are recorded as well."""

    def __init__(self, meter: Meter, recorder: Recorder) -> None:
        self._meter = meter
        self._recorder = recorder

    def add(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        self._meter.add(metric, amount, **labels)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        self._meter.observe(metric, value, **labels)
        self._recorder.record(name_of(metric, labels), value)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        self._meter.set(metric, value, **labels)


def name_of(metric: Metric, labels: Mapping[str, str]) -> str:
    """Return the name of a time: the metric without prefix and unit, and the values of its labels."""
    short = metric.removeprefix("angel_x_").removesuffix("_seconds")
    return " ".join((short, *labels.values()))


class TimingBoard(Protocol):
    """The last times of every process, which vanish with it."""

    def write(self, process: str, timings: Mapping[str, Timing]) -> None: ...
    def read(self, processes: list[str]) -> Mapping[str, Mapping[str, Timing]]: ...


class TimingReports:
    """Publishes the times of this process, and reads those of all."""

    def __init__(
        self,
        process: str,
        recorder: Recorder,
        board: TimingBoard,
        processes: Callable[[], list[str]],
    ) -> None:
        self._process = process
        self._recorder = recorder
        self._board = board
        self._processes = processes

    def publish(self) -> None:
        """Publish the times so far; a second call replaces them."""
        if timings := self._recorder.timings():
            self._board.write(self._process, timings)

    def all(self) -> dict[str, Timing]:
        """Return the times of all processes by name."""
        by_name: dict[str, list[Timing]] = {}
        for timings in self._board.read(self._processes()).values():
            for name, timing in timings.items():
                by_name.setdefault(name, []).append(timing)
        return {name: Timing.together(found) for name, found in sorted(by_name.items())}
