"""The published state of a running feed, and the commands to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from angel_x.domain.feed.pace import checked_speed

#: The range of years of market time.
EARLIEST, LATEST = 1990, 2199


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """The state of a feed: at wall time ``wall`` market time was ``market``."""

    source: str
    wall: datetime
    market: datetime
    #: Market seconds in one second of the wall clock while not paused.
    speed: float
    is_paused: bool = False
    #: Whether the market trades around the clock, in sessions of its own.
    is_continuous: bool = False
    #: The id of the last command that was executed.
    obeyed: str = ""
    #: The number of gaps in the source since the feed began.
    gaps: int = 0
    #: Contracts at the money of the next expiry that have had no new quote for too long.
    stale_contracts: int = 0
    #: The delay of the last move, in seconds of the wall clock.
    lag_seconds: float = 0.0

    def market_at(self, wall: datetime) -> datetime:
        """Return the market time of a wall time; it does not advance while the feed is paused."""
        if self.is_paused:
            return self.market
        return self.market + (wall - self.wall) * self.speed


def checked_moment(at: datetime) -> datetime:
    """Return ``at`` if market time can be set to it.

    Raises:
        ValueError: Its year is outside of EARLIEST to LATEST, so market time could overflow.
    """
    if not EARLIEST <= at.year <= LATEST:
        raise ValueError(f"must be in the years {EARLIEST} to {LATEST}, was {at.isoformat()}")
    return at


class FeedVerb(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    SEEK = "seek"
    SPEED = "speed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCommand:
    """A command to the feed; ``at`` is required by *seek*, ``speed`` by *speed*."""

    id: str
    verb: FeedVerb
    at: datetime | None = None
    speed: float | None = None

    def __post_init__(self) -> None:
        if self.verb is FeedVerb.SEEK:
            if self.at is None or self.at.tzinfo is None:
                raise ValueError(f"seeking needs a time with a zone, was {self.at}")
            checked_moment(self.at)
        if self.verb is FeedVerb.SPEED:
            checked_speed(self.speed or 0)
