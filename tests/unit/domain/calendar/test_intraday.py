from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from angel_x.domain.calendar.intraday import IntradayRule, cutoffs, square_off_key
from config.market import table
from tests.builders.markets import CALENDAR

RULE = IntradayRule(CALENDAR, cutoffs(table("intraday")))


@pytest.mark.parametrize("day", [date(2026, 7, 31), date(2026, 8, 3), date(2026, 11, 23)])
def test_the_cut_off_is_twenty_past_three_under_either_closing_time(day: date) -> None:
    assert RULE.cutoff(day) == datetime(day.year, day.month, day.day, 9, 50, tzinfo=UTC)


def test_a_special_session_has_its_own_cut_off() -> None:
    assert RULE.cutoff(date(2026, 11, 8)) == datetime(2026, 11, 8, 13, 25, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(2026, 11, 24), date(2026, 11, 22)])
def test_a_day_without_a_session_has_no_cut_off(day: date) -> None:
    assert RULE.cutoff(day) is None


@pytest.mark.parametrize(
    ("time", "is_closing"),
    [("09:49:59", False), ("09:50:00", True), ("10:09:59", True), ("10:10:00", False)],
)
def test_intraday_closes_from_the_cut_off_to_the_close(time: str, *, is_closing: bool) -> None:
    at = datetime.fromisoformat(f"2026-11-23T{time}+00:00")

    assert RULE.closing_day(at) == (date(2026, 11, 23) if is_closing else None)


def test_the_key_of_a_cut_off_names_its_day() -> None:
    assert square_off_key(date(2026, 11, 23)) == "mis 2026-11-23"
