"""Trading sessions: when the market is open, and on which day a session closes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

IST = ZoneInfo("Asia/Kolkata")
_SATURDAY = 5
_LONGEST_CLOSURE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening and closing time in India, from a date on."""

    since: date
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Session:
    """One trading session; both ends are UTC."""

    opens_at: datetime
    closes_at: datetime


class TradingCalendar:
    """Hours by date, weekends, holidays and special sessions."""

    def __init__(
        self, hours: Iterable[Hours], holidays: Iterable[date], special: Mapping[date, Hours]
    ) -> None:
        self._hours = sorted(hours, key=lambda h: h.since)
        self._holidays = frozenset(holidays)
        self._special = dict(special)

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> TradingCalendar:
        """Build the calendar from the parsed ``sessions`` table."""
        hours = [_hours(row, "from") for row in _rows(table["hours"])]
        special = {
            h.since: h for h in (_hours(r, "date") for r in _rows(table["special_sessions"]))
        }
        holidays = table["holidays"]
        assert isinstance(holidays, list)
        return cls(hours, [date.fromisoformat(day) for day in holidays], special)

    def session(self, day: date) -> Session | None:
        """Return the session of a day in India, or None where there is none."""
        if (special := self._special.get(day)) is not None:
            return _session(day, special)
        if not self.is_trading_day(day):
            return None
        return _session(day, [h for h in self._hours if h.since <= day][-1])

    def is_trading_day(self, day: date) -> bool:
        """Return whether a regular session is held; a special session does not make one."""
        return day.weekday() < _SATURDAY and day not in self._holidays

    def is_open(self, at: datetime) -> bool:
        session = self.session(at.astimezone(IST).date())
        return session is not None and session.opens_at <= at < session.closes_at

    def next_close(self, at: datetime) -> datetime:
        """Return the close of the session that runs at ``at``, or of the next one."""
        day = at.astimezone(IST).date()
        for offset in range(_LONGEST_CLOSURE.days):
            session = self.session(day + timedelta(days=offset))
            if session is not None and at < session.closes_at:
                return session.closes_at
        raise ValueError(f"no session within {_LONGEST_CLOSURE.days} days of {at.isoformat()}")

    def trading_day_on_or_before(self, day: date) -> date:
        """Return ``day``, or the last trading day before it; holidays move an expiry there."""
        while not self.is_trading_day(day):
            day -= timedelta(days=1)
        return day

    def expires_at(self, expiry: date) -> datetime:
        """Return the instant at which contracts of an expiry day cease to trade, UTC."""
        closes = [h for h in self._hours if h.since <= expiry][-1].closes
        return datetime.combine(expiry, closes, IST).astimezone(UTC)


def _session(day: date, hours: Hours) -> Session:
    opens, closes = (datetime.combine(day, t, IST) for t in (hours.opens, hours.closes))
    return Session(opens.astimezone(UTC), closes.astimezone(UTC))


def _rows(value: object) -> list[Mapping[str, str]]:
    assert isinstance(value, list)
    return value


def _hours(row: Mapping[str, str], key: str) -> Hours:
    return Hours(
        date.fromisoformat(row[key]),
        time.fromisoformat(row["open"]),
        time.fromisoformat(row["close"]),
    )
