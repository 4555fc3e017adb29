"""How market time follows the wall clock, and what is done every so often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_LATE = timedelta(seconds=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Pace:
    """Market time that runs at ``speed`` times the wall clock."""

    def __init__(self, speed: float) -> None:
        if not 0 < speed < float("inf"):
            raise ValueError(f"speed must be positive and finite, was {speed}")
        self.speed = speed
        self._market = self._wall = _NEVER

    def begin(self, market: datetime, wall: datetime) -> None:
        """Lay down that it is ``market`` in the market at ``wall``."""
        self._market, self._wall = market, wall

    def market(self, wall: datetime) -> datetime:
        """Return the market time of a wall time."""
        return self._market + (wall - self._wall) * self.speed

    def due(self, market: datetime) -> datetime:
        """Return the wall time at which the market reaches ``market``."""
        return self._wall + (market - self._market) / self.speed

    def slip(self, market: datetime, wall: datetime) -> None:
        """Begin anew where ``market`` comes much too late: what was missed is not hurried through."""
        if wall - self.due(market) > _LATE:
            self.begin(market, wall)


class Every:
    """Says once in each interval that it is time."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval
        self._last = _NEVER

    def is_time(self, now: datetime) -> bool:
        """Say whether the interval is over, and begin the next one if it is.

        A clock that was set back counts as time passed.
        """
        if timedelta() <= now - self._last < self._interval:
            return False
        self._last = now
        return True

    def at_once(self) -> None:
        """Make the next question true."""
        self._last = _NEVER
