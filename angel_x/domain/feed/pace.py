"""How market time follows the wall clock, and what is done every so often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: Market seconds in one second of the wall clock.
SLOWEST, FASTEST = 0.001, 100_000
_LATE = timedelta(seconds=1)
_NEVER = datetime.min.replace(tzinfo=UTC)
_NEVER_YET = datetime.max.replace(tzinfo=UTC)


class Pace:
    """Market time that runs at ``speed`` times the wall clock, or stands while it is paused."""

    def __init__(self, speed: float) -> None:
        self._speed = checked_speed(speed)
        self._is_paused = False
        self._market = self._wall = _NEVER

    @property
    def speed(self) -> float:
        """Market seconds in one second of the wall clock, once it is not paused."""
        return self._speed

    @property
    def is_paused(self) -> bool:
        return self._is_paused

    def begin(self, market: datetime, wall: datetime) -> None:
        """Lay down that it is ``market`` in the market at ``wall``."""
        self._market, self._wall = market, wall

    def market(self, wall: datetime) -> datetime:
        """Return the market time of a wall time."""
        if self._is_paused:
            return self._market
        return self._market + (wall - self._wall) * self._speed

    def due(self, market: datetime) -> datetime:
        """Return the wall time at which the market reaches ``market``: the last one if never."""
        if self._is_paused:
            return _NEVER_YET
        return self._wall + (market - self._market) / self._speed

    def slip(self, market: datetime, wall: datetime) -> bool:
        """Begin anew where ``market`` comes much too late: what was missed is not hurried through.

        Say whether it did.
        """
        is_late = wall - self.due(market) > _LATE
        if is_late:
            self.begin(market, wall)
        return is_late

    def pause(self, wall: datetime) -> None:
        """Let market time stand where it is; a second call changes nothing."""
        self.begin(self.market(wall), wall)
        self._is_paused = True

    def resume(self, wall: datetime) -> None:
        """Let market time go on from where it stands; a second call changes nothing."""
        self.begin(self.market(wall), wall)
        self._is_paused = False

    def change(self, speed: float, wall: datetime) -> None:
        """Go on from here at another speed."""
        checked = checked_speed(speed)
        self.begin(self.market(wall), wall)
        self._speed = checked


class Every:
    """Says once in each interval that it is time."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval
        self._last = _NEVER

    def is_time(self, now: datetime) -> bool:
        """Return whether the interval is over, and begin the next one if it is.

        A clock that was set back counts as time passed.
        """
        if timedelta() <= now - self._last < self._interval:
            return False
        self._last = now
        return True

    def at_once(self) -> None:
        """Make the next question true."""
        self._last = _NEVER


def checked_speed(speed: float) -> float:
    """Return a speed at which time neither stands nor jumps.

    Raises:
        ValueError: It is out of bounds, beyond which times would leave the calendar.
    """
    if not SLOWEST <= speed <= FASTEST:
        raise ValueError(f"speed must be from {SLOWEST:g} to {FASTEST:,}, was {speed}")
    return speed
