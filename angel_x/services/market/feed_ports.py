"""The ports of the feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.feed.feed_state import FeedCommand, FeedState
    from angel_x.domain.feed.market_move import MarketMove
    from angel_x.domain.feed.replay import RecordedChain
    from angel_x.services.ports import Clock, Meter, QuoteBoard, UniverseSource


class MarketSource(Protocol):
    """A source of market data."""

    @property
    def name(self) -> str:
        """The name of the source in status and logs."""

    @property
    def universe(self) -> Universe:
        """The contracts of the rows of its moves."""

    @property
    def cadence(self) -> timedelta | None:
        """The usual time between two moves; None where unknown."""

    @property
    def is_continuous(self) -> bool:
        """True for a market that trades around the clock, in sessions of its own."""

    @property
    def has_market(self) -> bool:
        """False while the source has lost its market, so that a quote without a move may be wrong."""

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:
        """Yield moves in the order of market time, from the beginning or from a time on.

        The first move is the whole market at its time.  A time out of range is clamped.
        """

    def relisted(self, universe: Universe) -> MarketSource | None:
        """Return the same market, continued with the contracts of another universe.

        None where the source has a fixed set of contracts.
        """


class ReadChain(Protocol):
    """Reads recordings."""

    def __call__(self, path: Path, *, day: date | None = None) -> RecordedChain:
        """Return the recording in a file, or one of its days."""


class Beacon(Protocol):
    """Publishes the state of the running feed to all processes."""

    def show(self, state: FeedState) -> None:
        """Publish the state of the feed."""

    def hide(self) -> None:
        """Publish that no feed runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPorts:
    """The ports of a feed.  ``outages`` are the exceptions that mean an unavailable server."""

    universes: UniverseSource
    board: QuoteBoard
    beacon: Beacon
    #: Returns the next command once, None where there is none.
    take_command: Callable[[], FeedCommand | None]
    clock: Clock
    calendar: TradingCalendar
    meter: Meter
    #: Copies the published Greeks and risk arrays of one universe to the next.
    carry: Callable[[Universe, Universe], None]
    #: Publishes that the quotes of a version are on the board, so that others may use it.
    announce: Callable[[str], None]
    #: Asks for a match of the orders that rest in those rows of a universe.
    match: Callable[[Universe, NDArray[np.int64]], bool]
    outages: tuple[type[Exception], ...]
