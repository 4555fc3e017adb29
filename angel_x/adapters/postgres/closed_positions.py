"""Closed positions leave the table of open ones after their day, for partitions by day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from time import monotonic
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from sqlalchemy import Engine

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


class ClosedPositions:
    """Moves positions that were closed before today (UTC)."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], *, page: int = _PAGE) -> None:
        self._engine = engine
        self._clock = clock
        self._page = page

    def move(self) -> int:
        """Move by pages, for some seconds at most; return their number.  A second call goes on."""
        before = datetime.combine(self._clock().date(), time(), UTC)
        ends_at, moved = monotonic() + _BUDGET_SECONDS, 0
        while True:
            with self._engine.begin() as connection:
                parameters = {"before": before, "limit": self._page}
                found = connection.exec_driver_sql(_MOVE, parameters).rowcount
            moved += found
            if found < self._page or monotonic() > ends_at:
                break
        if moved:
            log.info("positions.moved", moved=moved)
        return moved
