"""Closed positions leave the table of open ones after their day, for partitions by day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from time import monotonic
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from angel_x.adapters.postgres.partitions import Partitions

log = structlog.get_logger()

_PAGE = 5_000
#: Seconds after which a round ends; the task has fifteen, also for the steps after it.
_BUDGET_SECONDS = 3.0
_COLUMNS = "id, user_id, portfolio_id, symbol, product, realised_pnl, entry_time, exit_time"
# A closed position is of no quantity and of no cost, so no sum over positions changes.
_MOVE = f"""
WITH aged AS (
    DELETE FROM positions WHERE id = ANY(ARRAY(
        SELECT id FROM positions WHERE status = 'CLOSED' AND exit_time < %(before)s
        ORDER BY exit_time LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    RETURNING {_COLUMNS}
)
INSERT INTO closed_positions ({_COLUMNS}) SELECT {_COLUMNS} FROM aged
"""
_OLDEST = "SELECT min(exit_time) FROM positions WHERE status = 'CLOSED' AND exit_time < %(before)s"
# Retention drops the partitions of days only, and a day with rows in the default partition gets none.
_RETURN = f"""
WITH found AS (
    DELETE FROM closed_positions_default WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM closed_positions_default LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    RETURNING {_COLUMNS}
)
INSERT INTO positions ({_COLUMNS}, status, quantity, cost) OVERRIDING SYSTEM VALUE
SELECT {_COLUMNS}, 'CLOSED', 0, 0 FROM found
"""


class ClosedPositions:
    """Moves positions that were closed before today (UTC), each into the partition of its day."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        partitions: Partitions,
        *,
        page: int = _PAGE,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._partitions = partitions
        self._page = page

    def move(self) -> int:
        """Move by pages, for some seconds at most; return their number.  A second call goes on.

        Rows of the default partition go back first, and then to the partition of their day.
        """
        before = datetime.combine(self._clock().date(), time(), UTC)
        ends_at, moved = monotonic() + _BUDGET_SECONDS, 0
        while monotonic() < ends_at and self._page_of(_RETURN):
            pass
        while monotonic() < ends_at and (oldest := self._oldest(before)) is not None:
            day = oldest.astimezone(UTC).date()
            self._partitions.ensure("closed_positions", day)
            ends_with = datetime.combine(day + timedelta(days=1), time(), UTC)
            found = self._page_of(_MOVE, before=min(before, ends_with))
            if not found:
                # Another process holds them.
                break
            moved += found
        if moved:
            log.info("positions.moved", moved=moved)
        return moved

    def _oldest(self, before: datetime) -> datetime | None:
        with self._engine.connect() as connection:
            oldest: datetime | None = connection.exec_driver_sql(
                _OLDEST, {"before": before}
            ).scalar_one()
            return oldest

    def _page_of(self, statement: str, **bounds: datetime) -> int:
        with self._engine.begin() as connection:
            given = {"limit": self._page, **bounds}
            return int(connection.exec_driver_sql(statement, given).rowcount)
