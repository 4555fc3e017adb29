"""Hours, holidays and special sessions.

Sources: the SEBI circular on the hours since 3 August 2026, NSE's holiday lists for 2024 to 2026
with their additions, and its circulars on special sessions.
"""

from __future__ import annotations

import csv
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from angel_x.domain.calendar.session import IST
from config.market import table
from tests.builders.markets import CALENDAR
from tests.unit.config.market.listings import first_days

_DAY = timedelta(days=1)

#: Of the exchange's lists, with the weekday as a second look at each date.
HOLIDAYS = """
    Mon 22-Jan-2024, Fri 26-Jan-2024, Fri 08-Mar-2024, Mon 25-Mar-2024, Fri 29-Mar-2024,
    Thu 11-Apr-2024, Wed 17-Apr-2024, Wed 01-May-2024, Mon 20-May-2024, Mon 17-Jun-2024,
    Wed 17-Jul-2024, Thu 15-Aug-2024, Wed 02-Oct-2024, Fri 01-Nov-2024, Fri 15-Nov-2024,
    Wed 20-Nov-2024, Wed 25-Dec-2024,
    Wed 26-Feb-2025, Fri 14-Mar-2025, Mon 31-Mar-2025, Thu 10-Apr-2025, Mon 14-Apr-2025,
    Fri 18-Apr-2025, Thu 01-May-2025, Fri 15-Aug-2025, Wed 27-Aug-2025, Thu 02-Oct-2025,
    Tue 21-Oct-2025, Wed 22-Oct-2025, Wed 05-Nov-2025, Thu 25-Dec-2025,
    Thu 15-Jan-2026, Mon 26-Jan-2026, Tue 03-Mar-2026, Thu 26-Mar-2026, Tue 31-Mar-2026,
    Fri 03-Apr-2026, Tue 14-Apr-2026, Fri 01-May-2026, Thu 28-May-2026, Fri 26-Jun-2026,
    Mon 14-Sep-2026, Fri 02-Oct-2026, Tue 20-Oct-2026, Tue 10-Nov-2026, Tue 24-Nov-2026,
    Fri 25-Dec-2026
"""
#: Of a year whose list is not published.
PROVISIONAL = """
    Tue 26-Jan-2027, Wed 14-Apr-2027
"""
#: Sessions of a weekend, and those of a holiday.
WEEKENDS = {
    date(2024, 1, 20): "09:15-15:30",
    date(2024, 3, 2): "09:15-12:30",
    date(2024, 5, 18): "09:15-12:40",
    date(2025, 2, 1): "09:15-15:30",
    date(2026, 2, 1): "09:15-15:30",
    date(2026, 11, 8): "18:00-19:15",
}
EVENINGS = {date(2024, 11, 1): "18:00-19:00", date(2025, 10, 21): "13:45-14:45"}


def days(first: date, last: date) -> list[date]:
    return [first + number * _DAY for number in range((last - first).days + 1)]


def holidays(listing: str = HOLIDAYS) -> list[date]:
    listed = [text.strip() for text in listing.split(",")]
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


def test_every_holiday_of_the_lists_is_closed_and_no_other_weekday_from_2024_to_2026() -> None:
    weekdays = [day for day in days(date(2024, 1, 1), date(2026, 12, 31)) if day.isoweekday() < 6]

    assert [day for day in weekdays if not CALENDAR.is_trading_day(day)] == holidays()
    closed = [day for day in holidays() if day not in EVENINGS]
    assert [day for day in weekdays if hours(day) is None] == closed
    assert {day: hours(day) for day in EVENINGS} == EVENINGS


def test_beyond_the_lists_only_holidays_of_a_fixed_date_are_known_and_every_day_is_marked() -> None:
    weekdays = [day for day in days(date(2027, 1, 1), date(2027, 12, 31)) if day.isoweekday() < 6]

    assert [day for day in weekdays if hours(day) is None] == holidays(PROVISIONAL)
    assert all(CALENDAR.is_provisional(day) for day in weekdays)
    assert not CALENDAR.is_provisional(date(2026, 12, 31))
    assert table("sessions")["known_from"] == "2024-01-01"


def test_the_list_of_holidays_is_written_in_the_order_of_its_days() -> None:
    listed = [date.fromisoformat(row["date"]) for row in table("sessions")["holidays"]]
    assert listed == holidays()


def test_sessions_of_a_weekend_are_drills_budgets_and_diwali() -> None:
    weekend = [day for day in days(date(2024, 1, 1), date(2027, 12, 31)) if day.isoweekday() > 5]

    assert {day: held for day in weekend if (held := hours(day)) is not None} == WEEKENDS
    regular = [day for day in weekend if CALENDAR.is_trading_day(day)]
    assert regular == [date(2024, 1, 20), date(2025, 2, 1), date(2026, 2, 1)]
    drills = [CALENDAR.session(day) for day in (date(2024, 3, 2), date(2024, 5, 18))]
    pauses = [drill.pause for drill in drills if drill is not None and drill.pause is not None]
    assert [tuple(f"{at.astimezone(IST):%H:%M}" for at in pause) for pause in pauses] == [
        ("10:00", "11:30"),
        ("10:00", "11:45"),
    ]


@pytest.mark.reference
def test_every_day_of_the_exchanges_end_of_day_files_had_a_session(
    reference_folder: Path,
) -> None:
    traded: set[date] = set()
    for name in ("nifty_options_eod_2024_monthlies.csv", "nifty_derivatives_eod_2024.csv"):
        with (reference_folder / name).open() as file:
            traded |= {date.fromisoformat(row["DATE"]) for row in csv.DictReader(file)}
    for first, last in (
        (date(2024, 1, 1), date(2024, 6, 27)),
        (date(2024, 7, 30), date(2025, 7, 31)),
    ):
        held = {day for day in days(first, last) if hours(day) is not None}
        assert {day for day in traded if first <= day <= last} <= held
    assert {day for day in WEEKENDS if day.year < 2026} <= traded


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
    named = {(s["date"], s["name"]) for s in table("sessions")["special_sessions"]}
    assert named >= {(s["date"], s["name"]) for s in listed["special_sessions"]}
