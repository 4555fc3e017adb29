"""The trading days, held day by day against another library."""

from __future__ import annotations

from datetime import date, timedelta

import exchange_calendars
import pytest

from tests.builders.markets import CALENDAR

#: The years that both know.
FIRST, LAST = date(2024, 1, 1), date(2026, 12, 31)
#: Sessions of a weekend; the library has regular sessions only.
UNKNOWN_THERE = {date(2024, 1, 20), date(2025, 2, 1), date(2026, 2, 1)}


# The library asks its own for what that has deprecated.
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_every_trading_day_is_one_of_the_library_and_the_other_way_round() -> None:
    known = exchange_calendars.get_calendar("XBOM", start=f"{FIRST}", end=f"{LAST}")
    theirs = {moment.date() for moment in known.sessions}
    every = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]

    ours = {day for day in every if CALENDAR.is_trading_day(day)}

    assert ours - theirs == UNKNOWN_THERE
    assert theirs - ours == set()
