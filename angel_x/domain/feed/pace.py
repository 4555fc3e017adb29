"""Market time as a function of the wall clock, and intervals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: Market seconds in one second of the wall clock.
SLOWEST, FASTEST = 0.001, 100_000
_LATE = timedelta(seconds=1)
_NEVER = datetime.min.replace(tzinfo=UTC)
_NEVER_YET = datetime.max.replace(tzinfo=UTC)


class Pace:
    """Market time that runs at ``speed`` times the wall clock, or is paused."""

    def __init__(self, speed: float) -> None:
        self._speed = checked_speed(speed)
        self._is_paused = False
        self._market = self._wall = _NEVER

    @property
    def speed(self) -> float:
        """Market seconds in one second of the wall clock while not paused."""
        return self._speed

    @property
    def is_paused(self) -> bool:
        return self._is_paused

    def begin(self, market: datetime, wall: datetime) -> None:
        """Set market time to ``market`` at wall time ``wall``."""
        self._market, self._wall = market, wall

    def market(self, wall: datetime) -> datetime:
        """Return the market time of a wall time."""
        if self._is_paused:
            return self._market
        return self._market + (wall - self._wall) * self._speed

    def due(self, market: datetime) -> datetime:
        """Return the wall time of a market time; the latest possible one while paused."""
        if self._is_paused:
            return _NEVER_YET
        return self._wall + (market - self._market) / self._speed

    def slip(self, market: datetime, wall: datetime) -> bool:
        """Restart at ``market`` if it is more than a second late, so that the delay is not caught up.

        Return whether it restarted.
        """
        is_late = wall - self.due(market) > _LATE
        if is_late:
            self.begin(market, wall)
        return is_late

    def pause(self, wall: datetime) -> None:
        """Stop market time; a second call changes nothing."""
        self.begin(self.market(wall), wall)
        self._is_paused = True

    def resume(self, wall: datetime) -> None:
        """Continue market time from where it stopped; a second call changes nothing."""
        self.begin(self.market(wall), wall)
        self._is_paused = False

    def change(self, speed: float, wall: datetime) -> None:
        """Continue at another speed."""
        checked = checked_speed(speed)
        self.begin(self.market(wall), wall)
        self._speed = checked


class Every:
    """A timer that is due once in each interval."""

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
        """Make the timer due at the next call."""
        self._last = _NEVER


def checked_speed(speed: float) -> float:
    """Return ``speed`` if it is within SLOWEST and FASTEST.

    Raises:
        ValueError: It is out of these bounds, so market time could overflow.
    """
    if not SLOWEST <= speed <= FASTEST:
        raise ValueError(f"speed must be from {SLOWEST:g} to {FASTEST:,}, was {speed}")
    return speed
