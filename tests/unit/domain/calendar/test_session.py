from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import pytest

from angel_x.domain.calendar.session import (
    IST,
    CalendarDay,
    Hours,
    SessionTable,
    SpecialSession,
    TradingCalendar,
)
from angel_x.domain.values.dated import Dated
from angel_x.errors import UnknownDay
from tests.builders.markets import CALENDAR


def calendar_of(
    hours: Mapping[date, Hours],
    *,
    holidays: Mapping[date, str] | None = None,
    special: Mapping[date, SpecialSession] | None = None,
) -> TradingCalendar:
    table = SessionTable(hours=Dated(hours.items()), holidays=holidays or {}, special=special or {})
    return TradingCalendar.of(table)


def utc(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+00:00").astimezone(UTC)


def test_the_hours_changed_on_the_third_of_august() -> None:
    before, after = CALENDAR.session(date(2026, 7, 31)), CALENDAR.session(date(2026, 8, 3))

    assert before is not None
    assert after is not None
    assert (before.opens_at, before.closes_at) == (
        utc("2026-07-31", "03:45"),
        utc("2026-07-31", "10:00"),
    )
    assert after.closes_at == utc("2026-08-03", "10:10")


@pytest.mark.parametrize("day", [date(2026, 8, 22), date(2026, 8, 23), date(2026, 11, 24)])
def test_there_is_no_session_on_a_weekend_or_a_holiday(day: date) -> None:
    assert CALENDAR.session(day) is None
    assert not CALENDAR.is_trading_day(day)


def test_a_special_session_is_held_on_a_sunday_and_makes_no_trading_day() -> None:
    session = CALENDAR.session(date(2026, 11, 8))

    assert session is not None
    assert session.opens_at == utc("2026-11-08", "12:30")
    assert not CALENDAR.is_trading_day(date(2026, 11, 8))
    assert CALENDAR.is_open(utc("2026-11-08", "13:00"))


def test_the_market_is_open_from_the_opening_until_just_before_the_close() -> None:
    opens, closes = utc("2026-08-19", "03:45"), utc("2026-08-19", "10:10")
    instant = timedelta(microseconds=1)

    assert CALENDAR.is_open(opens)
    assert CALENDAR.is_open(closes - instant)
    assert not CALENDAR.is_open(opens - instant)
    assert not CALENDAR.is_open(closes)


def test_the_day_is_that_of_india() -> None:
    # Half past midnight of the 20th in India.
    assert CALENDAR.next_close(utc("2026-08-19", "19:00")) == utc("2026-08-20", "10:10")


@pytest.mark.parametrize(
    ("at", "closes"),
    [
        ("2026-08-19T06:00", "2026-08-19"),
        ("2026-08-19T10:10", "2026-08-20"),
        ("2026-08-21T12:00", "2026-08-24"),
        ("2026-11-23T10:10", "2026-11-25"),
    ],
)
def test_the_next_close_passes_over_days_without_a_session(at: str, closes: str) -> None:
    day, clock = at.split("T")

    assert CALENDAR.next_close(utc(day, clock)) == utc(closes, "10:10")


def test_an_expiry_on_a_holiday_is_held_on_the_trading_day_before() -> None:
    assert CALENDAR.trading_day_on_or_before(date(2026, 11, 24)) == date(2026, 11, 23)
    assert CALENDAR.trading_day_on_or_before(date(2026, 11, 22)) == date(2026, 11, 20)
    assert CALENDAR.trading_day_on_or_before(date(2026, 11, 20)) == date(2026, 11, 20)


def test_a_contract_expires_at_the_close_of_its_day() -> None:
    assert CALENDAR.expires_at(date(2026, 7, 28)) == utc("2026-07-28", "10:00")
    assert CALENDAR.expires_at(date(2026, 8, 25)) == utc("2026-08-25", "10:10")


@pytest.mark.parametrize(("closed", "is_found"), [(29, True), (30, False)])
def test_a_session_is_looked_for_within_thirty_days(closed: int, *, is_found: bool) -> None:
    first = date(2026, 6, 1)
    day = timedelta(days=1)
    holidays = [first + number * day for number in range(closed)]
    # A session every day of the week, so that only holidays count.
    hours = Hours(time(9, 15), time(15, 30))
    special = {first + number * day: SpecialSession("Drill", hours) for number in range(closed, 60)}
    calendar = calendar_of(
        {first: hours}, holidays=dict.fromkeys(holidays, "Holiday"), special=special
    )
    at = utc(first.isoformat(), "00:00")

    if is_found:
        assert calendar.next_close(at) == utc((first + closed * day).isoformat(), "10:00")
    else:
        with pytest.raises(ValueError, match="no session within 30 days"):
            calendar.next_close(at)


def test_hours_hold_from_their_very_day() -> None:
    new = date(2026, 6, 2)
    hours = {
        date(2026, 6, 1): Hours(time(9, 15), time(15, 30)),
        new: Hours(time(9, 0), time(15, 40)),
    }
    calendar = calendar_of(hours)

    closes = [calendar.session(new - timedelta(days=1)), calendar.session(new)]

    assert [session and session.closes_at for session in closes] == [
        utc("2026-06-01", "10:00"),
        utc("2026-06-02", "10:10"),
    ]
    assert calendar.expires_at(new - timedelta(days=1)) == utc("2026-06-01", "10:00")
    assert calendar.expires_at(new) == utc("2026-06-02", "10:10")


@pytest.mark.parametrize(
    ("time_of_day", "closes"), [("10:09:59.999999", "2026-11-23"), ("10:10:00", "2026-11-25")]
)
def test_a_close_that_is_now_is_over(time_of_day: str, closes: str) -> None:
    assert CALENDAR.next_close(utc("2026-11-23", time_of_day)) == utc(closes, "10:10")


def test_a_pause_of_a_drill_is_no_trading() -> None:
    opens, pause, goes_on = (utc("2024-03-02", at) for at in ("03:45", "04:30", "06:00"))
    instant = timedelta(microseconds=1)

    assert CALENDAR.is_open(pause - instant)
    assert not CALENDAR.is_open(pause)
    assert not CALENDAR.is_open(goes_on - instant)
    assert CALENDAR.is_open(goes_on)
    assert CALENDAR.next_open(opens - instant) == opens
    assert CALENDAR.next_open(pause) == goes_on
    assert CALENDAR.next_open(goes_on) == goes_on
    assert CALENDAR.next_close(pause) == utc("2024-03-02", "07:00")


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-08-19T03:30", "2026-08-19T03:45"),
        ("2026-08-19T06:00", "2026-08-19T06:00"),
        ("2026-08-19T10:10", "2026-08-20T03:45"),
        ("2026-08-21T12:00", "2026-08-24T03:45"),
        ("2026-01-31T06:00", "2026-02-01T03:45"),
        ("2026-11-23T10:10", "2026-11-25T03:45"),
    ],
)
def test_the_next_opening_passes_over_days_without_a_session(at: str, opens: str) -> None:
    assert CALENDAR.next_open(utc(*at.split("T"))) == utc(*opens.split("T"))


def test_a_budget_sunday_is_a_trading_day_to_which_an_expiry_moves() -> None:
    sunday = date(2026, 2, 1)

    assert CALENDAR.is_trading_day(sunday)
    assert CALENDAR.trading_day_on_or_before(sunday) == sunday
    assert CALENDAR.expires_at(sunday) == utc("2026-02-01", "10:00")


def test_the_answer_about_a_day_has_its_times_in_india() -> None:
    assert CALENDAR.day(date(2026, 2, 1)) == CalendarDay(
        date=date(2026, 2, 1),
        open=True,
        opens_at=datetime(2026, 2, 1, 9, 15, tzinfo=IST),
        closes_at=datetime(2026, 2, 1, 15, 30, tzinfo=IST),
        provisional=False,
        reason="Union budget",
    )


@pytest.mark.parametrize(
    ("day", "is_open", "provisional", "reason"),
    [
        ("2026-11-24", False, False, "Guru Nanak Jayanti"),
        ("2026-11-23", True, False, None),
        ("2026-11-22", False, False, "weekend"),
        ("2024-11-01", True, False, "Muhurat"),
        # Beyond the lists: only holidays of a fixed date are known.
        ("2027-01-26", False, True, "Republic Day"),
        ("2027-10-29", True, True, None),
        ("2027-01-02", False, True, "weekend"),
    ],
)
def test_a_day_has_its_reason_and_whether_it_is_provisional(
    day: str, reason: str | None, *, is_open: bool, provisional: bool
) -> None:
    found = CALENDAR.day(date.fromisoformat(day))

    assert (found.open, found.provisional, found.reason) == (is_open, provisional, reason)
    assert (found.opens_at is None, found.closes_at is None) == (not is_open, not is_open)


def test_a_day_before_the_first_list_is_unknown() -> None:
    with pytest.raises(UnknownDay, match="2023-12-31"):
        CALENDAR.day(date(2023, 12, 31))
    assert CALENDAR.day(date(2024, 1, 1)).open


def test_a_year_has_every_day() -> None:
    found = CALENDAR.year(2024)

    assert (found.year, len(found.days)) == (2024, 366)
    assert found.days[0] == CALENDAR.day(date(2024, 1, 1))
    assert found.days[-1] == CALENDAR.day(date(2024, 12, 31))


@pytest.mark.parametrize(
    ("at", "left"), [("2026-12-01T06:00", 30), ("2026-12-31T18:29", 0), ("2026-12-31T18:31", -1)]
)
def test_the_days_until_the_lists_end_are_counted_in_india(at: str, left: int) -> None:
    assert CALENDAR.days_left(utc(*at.split("T"))) == left
