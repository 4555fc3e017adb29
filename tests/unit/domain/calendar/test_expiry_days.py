from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import islice, takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.calendar.expiry_days import monthly_expiries, weekly_expiries
from angel_x.domain.values.dated import Dated
from tests.builders.markets import CALENDAR, RULES

NSE, BSE = RULES.weekdays("NIFTY"), RULES.weekdays("SENSEX")
#: Of the NIFTY, from the exchange's list of holidays.
MONTHLY_2026 = {
    1: 27, 2: 24, 3: 30, 4: 28, 5: 26, 6: 30, 7: 28, 8: 25, 9: 29, 10: 27, 11: 23, 12: 29,
}  # fmt: skip


def test_a_holiday_moves_the_expiry_to_the_day_before() -> None:
    expiries = weekly_expiries(CALENDAR, date(2026, 10, 14), NSE)

    assert list(islice(expiries, 5)) == [
        date(2026, 10, 19),
        date(2026, 10, 27),
        date(2026, 11, 3),
        date(2026, 11, 9),
        date(2026, 11, 17),
    ]


def test_a_contract_that_expires_today_is_not_listed_anew() -> None:
    # Tuesday the 24th is a holiday, so that week expires on Monday the 23rd.
    assert next(weekly_expiries(CALENDAR, date(2026, 11, 22), NSE)) == date(2026, 11, 23)
    assert next(weekly_expiries(CALENDAR, date(2026, 11, 23), NSE)) == date(2026, 12, 1)
    assert next(monthly_expiries(CALENDAR, date(2026, 11, 22), NSE)) == date(2026, 11, 23)
    assert next(monthly_expiries(CALENDAR, date(2026, 11, 23), NSE)) == date(2026, 12, 29)


def test_monthly_contracts_of_nse_expire_on_the_last_tuesday_or_the_trading_day_before() -> None:
    expiries = islice(monthly_expiries(CALENDAR, date(2025, 12, 31), NSE), 12)

    assert {day.month: day.day for day in expiries} == MONTHLY_2026


def test_contracts_of_bse_expire_on_thursdays_or_the_trading_day_before() -> None:
    weekly = takewhile(lambda day: day.month == 3, weekly_expiries(CALENDAR, date(2026, 3, 1), BSE))

    assert [day.day for day in weekly] == [5, 12, 19, 25]
    assert next(monthly_expiries(CALENDAR, date(2026, 3, 1), BSE)) == date(2026, 3, 25)
    assert next(monthly_expiries(CALENDAR, date(2026, 5, 1), BSE)) == date(2026, 5, 27)


@pytest.mark.parametrize(
    ("weekdays", "days"),
    [(NSE, [14, 21, 28, 2, 9]), (BSE, [19, 26, 4, 11, 18])],
)
def test_the_weekday_is_that_of_the_week(weekdays: Dated[int], days: list[int]) -> None:
    """The exchanges changed places on 1 September 2025."""
    after = date(2025, 8, 13)

    assert [day.day for day in islice(weekly_expiries(CALENDAR, after, weekdays), 5)] == days


@pytest.mark.reference
def test_tuesday_holidays_of_the_exchange_move_expiries(reference_folder: Path) -> None:
    listed = json.loads((reference_folder / "nse_holidays_2026.json").read_text())
    closed = {date.fromisoformat(day) for day in listed["fo_closed"]}
    moved = listed["tuesday_holidays_moving_nifty_expiry_to_previous_trading_day"]

    expiries = set(
        takewhile(lambda day: day.year == 2026, weekly_expiries(CALENDAR, date(2025, 12, 31), NSE))
    )

    assert expiries.isdisjoint(closed)
    assert len(moved) == 6
    for day in map(date.fromisoformat, moved):
        assert day not in expiries
        assert day - timedelta(days=1) in expiries
    assert sum(day.weekday() != 1 for day in expiries) == len(moved)


@given(st.dates(date(2026, 1, 1), date(2026, 12, 1)), st.sampled_from([NSE, BSE]))
def test_every_expiry_is_a_later_trading_day_and_they_ascend(
    day: date, weekdays: Dated[int]
) -> None:
    weekly = list(islice(weekly_expiries(CALENDAR, day, weekdays), 6))
    monthly = next(monthly_expiries(CALENDAR, day, weekdays))

    assert all(CALENDAR.is_trading_day(expiry) for expiry in weekly)
    assert weekly == sorted(set(weekly))
    assert timedelta() < weekly[0] - day <= timedelta(days=8)
    assert monthly in weekly
