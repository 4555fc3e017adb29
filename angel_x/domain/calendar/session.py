"""Trading sessions: when the market is open, and on which day a session closes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from angel_x.domain.values.dated import Dated
from angel_x.errors import UnknownDay

IST = ZoneInfo("Asia/Kolkata")
_SATURDAY = 5
_DAY = timedelta(days=1)
_LONGEST_CLOSURE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Hours:
    """Times of one session, in India."""

    opens: time
    closes: time
    #: Orders are collected from then on; None where there is no pre-open.
    pre_opens: time | None = None
    #: An interruption: its first moment, and the one at which trading goes on.
    pause: tuple[time, time] | None = None


@dataclass(frozen=True, slots=True)
class SpecialSession:
    """A session with hours of its own, on a day that has none or others."""

    name: str
    hours: Hours
    #: Whether the day counts as a regular trading day, to which an expiry can move.
    is_trading_day: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One trading session; all times are UTC."""

    opens_at: datetime
    closes_at: datetime
    pre_opens_at: datetime | None = None
    #: The first moment of an interruption, and the one at which trading goes on.
    pause: tuple[datetime, datetime] | None = None

    def is_open(self, at: datetime) -> bool:
        """Return whether trading goes on at a time."""
        if not self.opens_at <= at < self.closes_at:
            return False
        return self.pause is None or not self.pause[0] <= at < self.pause[1]

    def next_open(self, at: datetime) -> datetime | None:
        """Return ``at`` while trading goes on, else its next beginning; None after the close."""
        if at >= self.closes_at:
            return None
        if self.pause is not None and self.pause[0] <= at < self.pause[1]:
            return self.pause[1]
        return max(at, self.opens_at)


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """The answer of the calendar about one day."""

    date: date
    #: Whether a session is held.
    open: bool
    #: In India; None where no session is held.
    opens_at: datetime | None
    closes_at: datetime | None
    #: The exchange has not published the list of this year.
    provisional: bool
    #: The name of a holiday or special session, or the weekend; None for a regular session.
    reason: str | None


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """The answer of the calendar about a year."""

    year: int
    #: The last day of the published lists.
    published_until: date
    days: tuple[CalendarDay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTable:
    """Hours by date, weekends, holidays and special sessions."""

    hours: Dated[Hours]
    holidays: Mapping[date, str]
    special: Mapping[date, SpecialSession] = field(default_factory=dict)
    #: Month and day of holidays that are known for every year.
    fixed_holidays: Mapping[tuple[int, int], str] = field(default_factory=dict)
    #: The first and the last day of the published lists.
    known_from: date = date.min
    published_until: date = date.max

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> SessionTable:
        """Return the parsed ``sessions`` table."""
        return cls(
            hours=Dated((date.fromisoformat(row["from"]), _hours(row)) for row in table["hours"]),
            holidays={date.fromisoformat(r["date"]): r["name"] for r in table["holidays"]},
            special={date.fromisoformat(r["date"]): _special(r) for r in table["special_sessions"]},
            fixed_holidays={_month_day(r["day"]): r["name"] for r in table["fixed_holidays"]},
            known_from=date.fromisoformat(table["known_from"]),
            published_until=date.fromisoformat(table["published_until"]),
        )

    def is_provisional(self, day: date) -> bool:
        """Return whether the day is after the last published list."""
        return day > self.published_until

    def holiday(self, day: date) -> str | None:
        """Return the name of the holiday of a day; beyond the last list, of a fixed one only."""
        if (name := self.holidays.get(day)) is not None or not self.is_provisional(day):
            return name
        return self.fixed_holidays.get((day.month, day.day))


class TradingCalendar:
    """The sessions of the table in force."""

    def __init__(self, table: Callable[[], SessionTable]) -> None:
        self._table = table

    @classmethod
    def of(cls, table: SessionTable) -> TradingCalendar:
        """Return the calendar of a table that does not change."""
        return cls(lambda: table)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> TradingCalendar:
        """Return the calendar of a parsed ``sessions`` table."""
        return cls.of(SessionTable.parse(table))

    def session(self, day: date) -> Session | None:
        """Return the session of a day in India, or None where there is none."""
        table = self._table()
        if (special := table.special.get(day)) is not None:
            return _session(day, special.hours)
        return _session(day, table.hours.on(day)) if _is_regular(table, day) else None

    def is_trading_day(self, day: date) -> bool:
        """Return whether a regular session is held; a drill or an evening session is none."""
        table = self._table()
        special = table.special.get(day)
        return _is_regular(table, day) or (special is not None and special.is_trading_day)

    def is_open(self, at: datetime) -> bool:
        """Return whether trading goes on at a time."""
        session = self.session(at.astimezone(IST).date())
        return session is not None and session.is_open(at)

    def is_provisional(self, day: date) -> bool:
        """Return whether the exchange has not published the list of this day's year."""
        return self._table().is_provisional(day)

    def days_left(self, at: datetime) -> int:
        """Return for how many more days, after that of ``at``, a list is published."""
        return (self._table().published_until - at.astimezone(IST).date()).days

    def day(self, day: date) -> CalendarDay:
        """Return the calendar entry of a day.

        Raises:
            UnknownDay: The day is before the first list.
        """
        table, session = self._table(), None
        if day < table.known_from:
            raise UnknownDay(f"no day before {table.known_from} is known, was {day}")
        session = self.session(day)
        return CalendarDay(
            date=day,
            open=session is not None,
            opens_at=None if session is None else session.opens_at.astimezone(IST),
            closes_at=None if session is None else session.closes_at.astimezone(IST),
            provisional=table.is_provisional(day),
            reason=_reason(table, day),
        )

    def year(self, year: int) -> CalendarYear:
        """Return the calendar entries of a year, day by day.

        Raises:
            UnknownDay: The year is before the first list.
        """
        first, last = date(year, 1, 1), date(year, 12, 31)
        days = (self.day(first + n * _DAY) for n in range((last - first).days + 1))
        return CalendarYear(year, self._table().published_until, tuple(days))

    def next_open(self, at: datetime) -> datetime:
        """Return ``at`` while trading goes on, else the next time at which it begins."""
        day = at.astimezone(IST).date()
        for offset in range(_LONGEST_CLOSURE.days):
            session = self.session(day + offset * _DAY)
            if session is not None and (opens := session.next_open(at)) is not None:
                return opens
        raise _no_session(at)

    def next_close(self, at: datetime) -> datetime:
        """Return the close of the session that runs at ``at``, or of the next one."""
        day = at.astimezone(IST).date()
        for offset in range(_LONGEST_CLOSURE.days):
            session = self.session(day + offset * _DAY)
            if session is not None and at < session.closes_at:
                return session.closes_at
        raise _no_session(at)

    def trading_day_on_or_before(self, day: date) -> date:
        """Return ``day``, or the last trading day before it; holidays move an expiry there."""
        while not self.is_trading_day(day):
            day -= _DAY
        return day

    def expires_at(self, expiry: date) -> datetime:
        """Return the instant at which contracts of an expiry day cease to trade, UTC."""
        table = self._table()
        special = table.special.get(expiry)
        is_own = special is not None and special.is_trading_day
        hours = special.hours if special is not None and is_own else table.hours.on(expiry)
        return _utc(expiry, hours.closes)


def _is_regular(table: SessionTable, day: date) -> bool:
    return day.weekday() < _SATURDAY and table.holiday(day) is None


def _reason(table: SessionTable, day: date) -> str | None:
    if (special := table.special.get(day)) is not None:
        return special.name
    if (holiday := table.holiday(day)) is not None:
        return holiday
    return None if day.weekday() < _SATURDAY else "weekend"


def _session(day: date, hours: Hours) -> Session:
    return Session(
        _utc(day, hours.opens),
        _utc(day, hours.closes),
        None if hours.pre_opens is None else _utc(day, hours.pre_opens),
        None if hours.pause is None else (_utc(day, hours.pause[0]), _utc(day, hours.pause[1])),
    )


def _utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, IST).astimezone(UTC)


def _no_session(at: datetime) -> ValueError:
    return ValueError(f"no session within {_LONGEST_CLOSURE.days} days of {at.isoformat()}")


def _special(row: Mapping[str, Any]) -> SpecialSession:
    return SpecialSession(row["name"], _hours(row), bool(row.get("trading_day", False)))


def _hours(row: Mapping[str, Any]) -> Hours:
    opens, closes = (time.fromisoformat(row[key]) for key in ("open", "close"))
    pre_open, pause = row.get("pre_open"), row.get("pause")
    return Hours(
        opens,
        closes,
        None if pre_open is None else time.fromisoformat(pre_open),
        None if pause is None else (time.fromisoformat(pause[0]), time.fromisoformat(pause[1])),
    )


def _month_day(text: str) -> tuple[int, int]:
    month, _, day = text.partition("-")
    return int(month), int(day)
