"""Pages of the equity curve of an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from angel_x.domain.records import cursor
from angel_x.domain.records.equity import EquityPage, EquityPoint
from angel_x.domain.records.statement import Period


class Snapshots(Protocol):
    """The snapshots of portfolios."""

    def points(
        self, user_id: int, period: Period, after: datetime | None, limit: int
    ) -> list[EquityPoint]: ...


@dataclass(frozen=True, slots=True)
class EquityCurves:
    """Reads equity curves."""

    snapshots: Snapshots

    def page(self, user_id: int, period: Period, *, after: str | None, limit: int) -> EquityPage:
        """Return a page of the snapshots of a period, newest first.

        Raises:
            InvalidCursor: ``after`` is not the cursor of an earlier page.
        """
        before = None if after is None else cursor.decode_place(after, 0)[0]
        found = self.snapshots.points(user_id, period, before, limit + 1)
        page, more = tuple(found[:limit]), len(found) > limit
        return EquityPage(points=page, next=cursor.encode_place(page[-1].at, []) if more else None)
