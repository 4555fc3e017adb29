from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from angel_x.domain.operations.periodic_entry import DAY, PeriodicEntry

NOW = datetime(2026, 8, 20, 6, 0, tzinfo=UTC)


def late(seconds_ahead: float | None, period: float = 60) -> float:
    due = None if seconds_ahead is None else NOW + timedelta(seconds=seconds_ahead)
    entry = PeriodicEntry(
        name="memory", task="x", last_run_at=None, next_run_at=due, period_seconds=period
    )
    return entry.late_seconds(NOW)


@pytest.mark.parametrize("ahead", [0, 0.5, 59, 60])
def test_an_entry_that_is_due_within_its_period_is_in_time(ahead: float) -> None:
    assert late(ahead) == 0


def test_an_overdue_entry_is_late_by_the_time_since_then() -> None:
    assert late(-75) == 75


def test_an_entry_that_waits_for_longer_than_its_period_is_late_by_the_rest() -> None:
    assert late(3660) == 3600
    assert late(3660, period=DAY) == 0
    assert late(DAY + 3600, period=DAY) == 3600


def test_a_lost_entry_is_late_for_ever() -> None:
    assert late(None) == math.inf
