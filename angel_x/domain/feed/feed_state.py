"""What a running feed says about itself, and what it can be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from angel_x.domain.feed.pace import checked_speed

#: Years that a market can be sent to.
EARLIEST, LATEST = 1990, 2199


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """Where a feed stands: at wall time ``wall`` the market was at ``market``."""

    source: str
    wall: datetime
    market: datetime
    #: Seconds of the market in one second of the wall clock, once it is not paused.
    speed: float
    is_paused: bool = False
    #: The command that was obeyed last.
    obeyed: str = ""
    #: How often the source has skipped something since the feed began.
    gaps: int = 0
    #: Contracts at the money of the next expiry that have had no new quote for too long.
    stale_contracts: int = 0
    #: How late the last move came, in seconds of the wall clock.
    lag_seconds: float = 0.0

    def market_at(self, wall: datetime) -> datetime:
        """Return the market time of a wall time; it stands while the feed is paused."""
        if self.is_paused:
            return self.market
        return self.market + (wall - self.wall) * self.speed


def checked_moment(at: datetime) -> datetime:
    """Return a time that a market can be sent to.

    Raises:
        ValueError: It is so far away that market time would leave the calendar from there.
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
    """What a feed is told.  ``at`` belongs to seeking, ``speed`` to the change of speed."""

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
