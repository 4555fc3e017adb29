"""Hours, holidays and special sessions.

Sources: the SEBI circular on the hours since 3 August 2026, and NSE's holiday list for 2026.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from angel_x.domain.calendar.session import IST
from config.market import table
from tests.builders.markets import CALENDAR
from tests.unit.config.market.listings import first_days

_DAY = timedelta(days=1)

#: Of the exchange's list, with the weekday as a second look at each date.
HOLIDAYS = """
    Thu 15-Jan-2026, Mon 26-Jan-2026, Tue 03-Mar-2026, Thu 26-Mar-2026, Tue 31-Mar-2026,
    Fri 03-Apr-2026, Tue 14-Apr-2026, Fri 01-May-2026, Thu 28-May-2026, Fri 26-Jun-2026,
    Mon 14-Sep-2026, Fri 02-Oct-2026, Tue 20-Oct-2026, Tue 10-Nov-2026, Tue 24-Nov-2026,
    Fri 25-Dec-2026
"""
MUHURAT = date(2026, 11, 8)


def days(first: date, last: date) -> list[date]:
    return [first + number * _DAY for number in range((last - first).days + 1)]


def holidays() -> list[date]:
    listed = [text.strip() for text in HOLIDAYS.split(",")]
    found = [datetime.strptime(text[4:], "%d-%b-%Y").date() for text in listed]  # noqa: DTZ007 - days
    assert [f"{day:%a %d-%b-%Y}" for day in found] == listed
    return found


def hours(day: date) -> str | None:
    """Return the hours of a day in India, None where there is no session."""
    session = CALENDAR.session(day)
    if session is None:
        return None
    opens, closes = (at.astimezone(IST) for at in (session.opens_at, session.closes_at))
    assert opens.date() == closes.date() == day
    return f"{opens:%H:%M}-{closes:%H:%M}"


def test_every_holiday_of_the_list_is_closed_and_no_other_weekday_from_2025_to_2027() -> None:
    weekdays = [day for day in days(date(2025, 1, 1), date(2027, 12, 31)) if day.isoweekday() < 6]

    assert [day for day in weekdays if not CALENDAR.is_trading_day(day)] == holidays()
    assert [day for day in weekdays if hours(day) is None] == holidays()


def test_the_list_of_holidays_is_written_in_the_order_of_its_days() -> None:
    assert list(map(date.fromisoformat, table("sessions")["holidays"])) == holidays()


def test_the_only_session_of_a_weekend_is_that_of_diwali() -> None:
    weekend = [day for day in days(date(2025, 1, 1), date(2027, 12, 31)) if day.isoweekday() > 5]

    held = {day: held for day in weekend if (held := hours(day)) is not None}

    assert held == {MUHURAT: "18:00-19:15"}
    assert f"{MUHURAT:%A}" == "Sunday"
    (special,) = table("sessions")["special_sessions"]
    assert special["name"] == "Muhurat"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2000, 1, 3), "09:15-15:30"),
        (date(2026, 7, 31), "09:15-15:30"),
        (date(2026, 8, 3), "09:15-15:40"),
        (date(2030, 12, 31), "09:15-15:40"),
    ],
)
def test_the_hours_of_a_session_are_those_of_its_day(day: date, expected: str) -> None:
    assert hours(day) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        # Days without a session have hours as well: those of contracts that would expire on them.
        (date(2000, 1, 1), "15:30"),
        (date(2026, 8, 2), "15:30"),
        (date(2026, 8, 3), "15:40"),
    ],
)
def test_the_close_changes_on_its_very_day(day: date, expected: str) -> None:
    assert f"{CALENDAR.expires_at(day).astimezone(IST):%H:%M}" == expected


def test_no_hours_are_known_before_the_year_2000() -> None:
    with pytest.raises(LookupError):
        CALENDAR.expires_at(date(1999, 12, 31))


def test_hours_have_been_laid_down_twice() -> None:
    assert first_days(table("sessions")["hours"]) == [date(2000, 1, 1), date(2026, 8, 3)]


def test_times_are_those_of_india() -> None:
    assert table("sessions")["timezone"] == "Asia/Kolkata" == IST.key


@pytest.mark.reference
def test_holidays_and_special_sessions_are_those_of_the_exchanges_list(
    reference_folder: Path,
) -> None:
    listed = json.loads((reference_folder / "nse_holidays_2026.json").read_text())
    closed = {date.fromisoformat(day) for day in listed["fo_closed"]}
    year = days(date(2026, 1, 1), date(2026, 12, 31))

    assert {day for day in year if day.isoweekday() < 6 and hours(day) is None} == closed
    for special in listed["special_sessions"]:
        assert hours(date.fromisoformat(special["date"])) == f"{special['start']}-{special['end']}"
    assert {(s["date"], s["name"]) for s in table("sessions")["special_sessions"]} == {
        (s["date"], s["name"]) for s in listed["special_sessions"]
    }
