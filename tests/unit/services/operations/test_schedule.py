from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from angel_x.domain.operations.periodic_entry import PeriodicEntry
from angel_x.services.operations.schedule import DueEntry, PeriodicSchedule

NOW = datetime(2026, 8, 20, 6, 0, tzinfo=UTC)


def entry(name: str, ahead: float | None) -> PeriodicEntry:
    due = None if ahead is None else NOW + timedelta(seconds=ahead)
    return PeriodicEntry(
        name=name, task=f"task.{name}", last_run_at=NOW, next_run_at=due, period_seconds=10
    )


class Entries:
    """Entries in memory; the aside one is forgotten once."""

    def __init__(self, *entries: PeriodicEntry) -> None:
        self._entries = entries
        self._aside = ["broken"]

    def read(self) -> list[PeriodicEntry]:
        return list(self._entries)

    def aside(self) -> list[str]:
        return self._aside

    def forget(self, name: str) -> bool:
        known = name in self._aside
        self._aside = [each for each in self._aside if each != name]
        return known


def schedule(*entries: PeriodicEntry) -> PeriodicSchedule:
    return PeriodicSchedule(Entries(*entries), lambda: NOW)


def test_each_entry_is_shown_with_its_lateness() -> None:
    kept = schedule(entry("memory", 5), entry("queues", -3.25))

    assert kept.turns()[1] == DueEntry(
        "queues", "task.queues", NOW, NOW - timedelta(seconds=3.25), 3.25
    )
    assert kept.lateness() == {"memory": 0, "queues": 3.25}


def test_entries_are_late_after_a_minute_and_the_latest_comes_first() -> None:
    kept = schedule(entry("a", -60), entry("b", -61), entry("c", None), entry("d", 71))

    assert [turn.name for turn in kept.late()] == ["c", "b", "d"]
    assert kept.lateness()["c"] == math.inf


def test_an_entry_that_was_put_aside_is_forgotten_once() -> None:
    kept = schedule()

    assert kept.aside() == ["broken"]
    assert [kept.forget("broken"), kept.forget("broken")] == [True, False]
    assert kept.aside() == []
