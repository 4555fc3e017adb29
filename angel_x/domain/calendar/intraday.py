"""The cut-off of intraday positions: from then on they are closed, and none is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from angel_x.domain.calendar.session import IST, TradingCalendar
from angel_x.domain.values.dated import Dated


@dataclass(frozen=True, slots=True)
class IntradayRule:
    """A time before the close of each session."""

    calendar: TradingCalendar
    before_close: Dated[timedelta]

    def cutoff(self, day: date) -> datetime | None:
        """Return the cut-off of a day in India, UTC; None where no session is held."""
        session = self.calendar.session(day)
        return None if session is None else session.closes_at - self.before_close.on(day)

    def closing_day(self, at: datetime) -> date | None:
        """Return the day between whose cut-off and close ``at`` lies, None outside."""
        day = at.astimezone(IST).date()
        cutoff, session = self.cutoff(day), self.calendar.session(day)
        if cutoff is None or session is None or not cutoff <= at < session.closes_at:
            return None
        return day

    def is_late(self, at: datetime) -> bool:
        """Return whether the cut-off of the day of ``at`` has passed."""
        cutoff = self.cutoff(at.astimezone(IST).date())
        return cutoff is not None and at >= cutoff


def cutoffs(table: Mapping[str, Any]) -> Dated[timedelta]:
    """Return the times before the close of the parsed ``intraday`` table."""
    return Dated(
        (date.fromisoformat(row["from"]), timedelta(minutes=row["minutes_before_close"]))
        for row in table["cutoff"]
    )


def square_off_key(day: date) -> str:
    """Return the prefix of the keys of square-offs at the cut-off of a day."""
    return f"mis {day.isoformat()}"
