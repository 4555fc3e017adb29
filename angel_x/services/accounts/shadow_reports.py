"""Live orders beside their paper twins, by day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from angel_x.domain.calendar.session import IST
from angel_x.domain.records.shadow_report import ShadowReport, ShadowRow, write_report
from angel_x.services.ports import Clock

#: Returns the stored orders of an account, or of all where it is None, that were sent on a day in India.
ReadShadowRows = Callable[[int | None, date], Sequence[ShadowRow]]
#: Returns how many orders of a day in India, accepted before a time, were sent and have no twin.
CountWithoutTwin = Callable[[date, datetime], int]
_PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ShadowReports:
    """Compares live orders with their twins.  A day without any has an empty report."""

    read_rows: ReadShadowRows
    count_without_twin: CountWithoutTwin
    clock: Clock

    def of(self, user_id: int | None, day: date | None = None) -> ShadowReport:
        """Return the report of an account, or of all accounts, for a day in India, by default today."""
        day = day or self.clock().astimezone(IST).date()
        return write_report(day, self.read_rows(user_id, day))

    def without_twin(self) -> int:
        """Return how many orders of today in India were sent and have no twin, after a minute for each."""
        now = self.clock()
        return self.count_without_twin(now.astimezone(IST).date(), now - _PATIENCE)
