"""The time of the database, which is the same for every process that asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger()

#: Monotonic clocks drift by some hundredths of a second in this time.
_TRUSTED_SECONDS = 600.0
#: A wall clock that has moved so much more than the monotonic one was set, or the machine slept.
_JUMP_SECONDS = 1.0
#: Pause between two attempts to ask a database that is away.
_PATIENCE_SECONDS = 5.0
#: From here on the difference is worth telling an operator.
_WRONG_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Mark:
    """What three clocks showed at one moment."""

    database: datetime
    wall: datetime
    monotonic: float


class DatabaseClock:
    """Carries the database's time on with this machine's monotonic clock; it asks once in a while.

    A worker whose own clock is wrong would otherwise call every quote stale and every order over.
    As long as the database has never answered, the wall clock has to do.
    """

    def __init__(
        self, engine: Engine, *, wall: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._wall = wall
        self._monotonic = monotonic
        self._mark: _Mark | None = None
        self._ask_at = float("-inf")

    def __call__(self) -> datetime:
        """Return the current time, UTC."""
        wall, monotonic = self._wall(), self._monotonic()
        if monotonic >= self._ask_at or self._has_jumped(wall, monotonic):
            self._ask()
            wall, monotonic = self._wall(), self._monotonic()
        mark = self._mark
        if mark is None:
            return wall
        return mark.database + timedelta(seconds=monotonic - mark.monotonic)

    def _has_jumped(self, wall: datetime, monotonic: float) -> bool:
        mark = self._mark
        if mark is None:
            return False
        moved = (wall - mark.wall).total_seconds() - (monotonic - mark.monotonic)
        return abs(moved) > _JUMP_SECONDS

    def _ask(self) -> None:
        # Set first: whoever comes while this waits for a database that is away need not wait too.
        self._ask_at = self._monotonic() + _PATIENCE_SECONDS
        try:
            with self._engine.connect() as connection:
                database = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        except SQLAlchemyError as error:
            log.warning("clock.unasked", error=str(error))
            return
        mark = _Mark(database.astimezone(UTC), self._wall(), self._monotonic())
        self._mark, self._ask_at = mark, mark.monotonic + _TRUSTED_SECONDS
        ahead = (mark.wall - mark.database).total_seconds()
        if abs(ahead) > _WRONG_SECONDS:
            log.warning("clock.wrong", ahead_seconds=round(ahead, 1))
