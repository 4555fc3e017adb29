"""The time of the database, which all processes share."""

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
#: Pause between two attempts to read the time of an unavailable database.
_PATIENCE_SECONDS = 5.0
#: The difference from which a warning is logged.
_WRONG_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Mark:
    """The readings of three clocks at one moment."""

    database: datetime
    wall: datetime
    monotonic: float


class DatabaseClock:
    """Extrapolates the database's time with this machine's monotonic clock; it is read at intervals.

    With a wrong clock of its own a worker would treat every quote as stale and every order as expired.
    Until the first answer of the database the wall clock is used.
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
        # Set first, so that other threads do not wait for an unavailable database too.
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
