"""What a feed talks to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.feed.feed_state import FeedCommand, FeedState
    from angel_x.domain.feed.market_move import MarketMove
    from angel_x.services.ports import Clock, Meter, QuoteBoard, UniverseSource


class MarketSource(Protocol):
    """Where quotes come from."""

    @property
    def name(self) -> str:
        """What the source is called where the system shows it."""

    @property
    def universe(self) -> Universe:
        """The contracts whose rows the moves count in."""

    @property
    def cadence(self) -> timedelta | None:
        """The usual time between two moves; None where there is none."""

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:
        """Yield moves in the order of market time, from the beginning or from a time on.

        The first move is everything that is known at its time.  A time out of reach is brought
        within it.
        """

    def relisted(self, universe: Universe) -> MarketSource | None:
        """Return the same market for the contracts of another universe, which goes on from here.

        None where the source has contracts of its own.
        """


class Beacon(Protocol):
    """Tells every process that a feed runs and where in market time it is."""

    def show(self, state: FeedState) -> None:
        """Say that the feed runs."""

    def hide(self) -> None:
        """Say that it does not."""


class Commands(Protocol):
    """What people tell the feed."""

    def take(self) -> FeedCommand | None:
        """Return the next command, None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPorts:
    """What a feed talks to.  ``outages`` are the errors that mean: away for now, try again."""

    universes: UniverseSource
    board: QuoteBoard
    beacon: Beacon
    commands: Commands
    clock: Clock
    calendar: TradingCalendar
    meter: Meter
    #: Asks for a look at the resting orders.
    match: Callable[[], bool]
    outages: tuple[type[Exception], ...]
