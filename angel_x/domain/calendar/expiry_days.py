"""The days on which contracts expire; a holiday moves one to the trading day before it.

Every week has one nominal day, and the last one of a month is that of the monthly contracts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.values.dated import Dated

_WEEK = timedelta(days=7)


def weekly_expiries(calendar: TradingCalendar, after: date, weekdays: Dated[int]) -> Iterator[date]:
    """Yield the weekly expiries later than ``after``; the weekday is that of the week."""
    for nominal in _nominal(after, weekdays):
        expiry = calendar.trading_day_on_or_before(nominal)
        if expiry > after:
            yield expiry


def monthly_expiries(
    calendar: TradingCalendar, after: date, weekdays: Dated[int]
) -> Iterator[date]:
    """Yield the monthly expiries later than ``after``."""
    for nominal, following in pairwise(_nominal(after, weekdays)):
        expiry = calendar.trading_day_on_or_before(nominal)
        if nominal.month != following.month and expiry > after:
            yield expiry


def _nominal(since: date, weekdays: Dated[int]) -> Iterator[date]:
    monday = since - timedelta(days=since.weekday())
    for week in count():
        start = monday + week * _WEEK
        yield start + timedelta(days=weekdays.on(start))
