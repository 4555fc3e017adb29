from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from angel_x.domain.operations.metric import Metric
from angel_x.domain.operations.timing import Timing, quantile
from angel_x.services.operations.timings import (
    KEPT,
    MOST_NAMES,
    OTHERS,
    Recorder,
    RecordingMeter,
    TimingReports,
)
from angel_x.services.timing import track
from tests.builders import recorders


@dataclass
class Board:
    kept: dict[str, Mapping[str, Timing]] = field(default_factory=dict)

    def write(self, process: str, timings: Mapping[str, Timing]) -> None:
        self.kept[process] = timings

    def read(self, processes: list[str]) -> Mapping[str, Mapping[str, Timing]]:
        return {process: self.kept[process] for process in processes if process in self.kept}


def recorded(*milliseconds: float, name: str = "work") -> Recorder:
    recorder = Recorder()
    for each in milliseconds:
        recorder.record(name, each / 1000)
    return recorder


def test_a_name_has_count_average_extremes_and_quantiles_in_milliseconds() -> None:
    found = recorded(*range(1, 101)).timings()

    assert found == {"work": Timing(100, 50.5, 1.0, 100.0, 50.0, 99.0)}


def test_quantiles_are_of_the_newest_times_and_the_rest_of_all() -> None:
    [timing] = recorded(1000, *[2] * KEPT).timings().values()

    assert (timing.count, timing.max_ms) == (KEPT + 1, 1000.0)
    assert (timing.p50_ms, timing.p99_ms) == (2.0, 2.0)


def test_names_beyond_the_bound_share_one() -> None:
    recorder = Recorder()
    for number in range(MOST_NAMES + 50):
        recorder.record(f"work {number}", 0.001)

    found = recorder.timings()

    assert len(found) == MOST_NAMES + 1
    assert found[OTHERS].count == 50


@pytest.mark.parametrize(("part", "expected"), [(0.0, 1), (0.5, 2), (0.51, 3), (0.99, 4), (1.0, 4)])
def test_a_quantile_is_the_nearest_rank(part: float, expected: float) -> None:
    assert quantile([1, 2, 3, 4], part) == expected


def test_a_tracked_block_is_in_the_histogram_and_in_the_recorder_under_its_labels() -> None:
    histograms, recorder = recorders.RecordingMeter(), Recorder()
    meter = RecordingMeter(histograms, recorder)

    with track(meter, Metric.GREEKS_STAGE_SECONDS, stage="read"):
        pass
    with pytest.raises(RuntimeError), track(meter, Metric.GREEKS_STAGE_SECONDS, stage="read"):
        raise RuntimeError
    meter.add(Metric.ORDERS_REFUSED)

    assert recorder.timings()["greeks_stage read"].count == 1
    assert [metric for metric, _ in histograms.observed] == [Metric.GREEKS_STAGE_SECONDS]


def test_the_times_of_all_processes_are_put_together() -> None:
    board = Board()
    fast, slow = recorded(1, 1, 1), recorded(5)
    for process, recorder in (("n/orders-0", fast), ("n/orders-1", slow)):
        TimingReports(process, recorder, board, list).publish()
    TimingReports("n/idle", Recorder(), board, list).publish()

    found = TimingReports("n/cli", Recorder(), board, lambda: [*board.kept, "n/gone"]).all()

    assert board.kept.keys() == {"n/orders-0", "n/orders-1"}
    assert found == {"work": Timing(4, 2.0, 1.0, 5.0, 2.0, 5.0)}
