from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from angel_x.domain.operations.memory_report import MemoryReport
from angel_x.domain.operations.metric import Metric
from angel_x.services.operations.memory import (
    STALE_AFTER,
    MemoryOverview,
    MemoryReporter,
    MemoryWatch,
)
from tests.builders.recorders import RecordingEvents, RecordingMeter

MB = 1024 * 1024


@dataclass
class Reports:
    kept: dict[str, MemoryReport] = field(default_factory=dict)
    writes: int = 0

    def write(self, reports: Iterable[MemoryReport]) -> None:
        self.writes += 1
        self.kept |= {r.process: r for r in reports}

    def read(self) -> dict[str, MemoryReport]:
        return dict(self.kept)

    def forget(self, processes: Iterable[str]) -> None:
        for name in processes:
            del self.kept[name]


@dataclass
class World:
    """A process whose clock and memory the test moves."""

    now: datetime = datetime(2026, 8, 19, 9, 30, tzinfo=UTC)
    resident_mb: float = 100
    reports: Reports = field(default_factory=Reports)
    meter: RecordingMeter = field(default_factory=RecordingMeter)
    events: RecordingEvents = field(default_factory=RecordingEvents)

    def watch(self) -> MemoryWatch:
        return MemoryWatch(
            "node/orders-0",
            reports=self.reports,
            meter=self.meter,
            publish=self.events.publish,
            clock=lambda: self.now,
            resident_bytes=lambda: int(self.resident_mb * MB),
            threshold_mb=500,
        )

    def overview(self) -> MemoryOverview:
        return MemoryOverview(reports=self.reports, clock=lambda: self.now)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def world() -> World:
    return World()


def test_growth_is_told_against_the_first_look(world: World) -> None:
    watch = world.watch()
    watch.measure()
    world.later(60)
    world.resident_mb = 150

    watch.measure()

    (shown,) = world.overview().all().values()
    assert (shown["current_mb"], shown["delta_mb"], shown["percent_increase"]) == (150, 50, 50)


def test_a_busy_process_reports_once_a_second(world: World) -> None:
    watch = world.watch()

    for _ in range(100):
        world.later(0.01)
        watch.measure()

    assert world.reports.writes == 1


def test_a_process_over_the_threshold_collects_garbage_and_says_so(world: World) -> None:
    world.resident_mb = 501

    world.watch().measure()

    assert [m for m, _, _ in world.meter.added] == [Metric.MEMORY_ALERTS]
    (event,) = world.events.published
    assert (event["kind"], event["alert"], event["process"]) == ("alert", "memory", "node/orders-0")


def test_a_process_at_the_threshold_is_left_alone(world: World) -> None:
    world.resident_mb = 500

    world.watch().measure()

    assert world.meter.added == []
    assert world.events.published == []


def test_a_look_from_outside_keeps_the_baseline_that_the_process_has(world: World) -> None:
    world.watch().measure()
    pid = world.reports.kept["node/orders-0"].pid

    found = world.overview().observe({"node/orders-0": (pid, 130 * MB)})

    assert found["node/orders-0"].delta_mb == 30


def test_a_successor_starts_with_a_baseline_of_its_own(world: World) -> None:
    world.overview().observe({"node/orders-0": (1, 400 * MB)})

    found = world.overview().observe({"node/orders-0": (2, 90 * MB)})

    assert found["node/orders-0"].delta_mb == 0


def test_a_process_that_is_gone_is_forgotten(world: World) -> None:
    overview = world.overview()
    overview.observe({"node/old": (1, MB)})
    world.later(STALE_AFTER + 1)
    overview.observe({"node/new": (2, MB)})

    assert overview.prune() == ["node/old"]
    assert list(overview.all()) == ["node/new"]


def test_a_reporter_looks_at_once_and_ends_when_told(world: World) -> None:
    reporter = MemoryReporter(world.watch(), interval_seconds=60)

    reporter.start()
    reporter.stop()

    assert list(world.reports.kept) == ["node/orders-0"]
