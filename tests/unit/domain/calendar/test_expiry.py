"""The time that contracts have left."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from angel_x.domain.calendar.expiry import calendar_years_to_expiry, epoch_ms, years_to_expiry
from angel_x.domain.calendar.session import IST

EXPIRES_AT = datetime(2026, 8, 25, 15, 40, tzinfo=IST)
MINUTE_OF_A_YEAR = 1 / (365 * 24 * 60)


def left(at: datetime) -> tuple[float, float]:
    """Return exact and whole-day years until the expiry."""
    expires_at = np.array([EXPIRES_AT.timestamp()])
    moment = at.timestamp()
    return (
        float(years_to_expiry(expires_at, moment)[0]),
        float(calendar_years_to_expiry(expires_at, moment)[0]),
    )


@pytest.mark.parametrize(
    ("at", "days"),
    [
        (datetime(2026, 8, 19, 0, 0, 0, tzinfo=IST), 6),
        (datetime(2026, 8, 19, 23, 59, 59, tzinfo=IST), 6),
        (datetime(2026, 8, 24, 9, 15, tzinfo=IST), 1),
        (datetime(2026, 8, 25, 9, 15, tzinfo=IST), 1),
        (EXPIRES_AT - timedelta(seconds=1), 1),
        (EXPIRES_AT, 0),
        (EXPIRES_AT + timedelta(days=3), 0),
    ],
)
def test_days_are_counted_by_the_calendar_of_india(at: datetime, days: int) -> None:
    assert left(at)[1] == days / 365


@pytest.mark.parametrize(
    ("before", "minutes"),
    [
        (timedelta(days=6), 6 * 24 * 60),
        (timedelta(seconds=61), 61 / 60),
        (timedelta(seconds=60), 1),
        (timedelta(seconds=1), 1),
        (timedelta(0), 0),
        (-timedelta(days=1), 0),
    ],
)
def test_a_contract_has_at_least_a_minute_until_its_last_instant(
    before: timedelta, minutes: float
) -> None:
    assert left(EXPIRES_AT - before)[0] == pytest.approx(minutes * MINUTE_OF_A_YEAR)


def test_the_last_instant_leaves_exactly_nothing() -> None:
    assert left(EXPIRES_AT) == (0.0, 0.0)


def test_a_time_is_told_in_whole_milliseconds_since_1970() -> None:
    assert epoch_ms(datetime(1970, 1, 1, 5, 30, tzinfo=IST)) == 0
    assert epoch_ms(datetime(2026, 8, 25, 15, 40, 0, 1_600, tzinfo=IST)) == 1_787_652_600_002
