"""The feed: drives a source of market data at its pace and keeps the board of quotes current."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from angel_x.domain.expiry import epoch_ms
from angel_x.domain.metric import Metric
from angel_x.domain.pace import Every, Pace
from angel_x.services.outage import Outage
from angel_x.services.quoting import Quoting

if TYPE_CHECKING:
    from threading import Event

    from angel_x.domain.market_move import MarketMove
    from angel_x.domain.universe import Universe
    from angel_x.services.ports import Clock, Meter, QuoteBoard, UniverseSource

log = structlog.get_logger()

#: How long the feed looks away while the market is quiet; well under a flush.
_GLANCE_SECONDS = 0.02
_BEACON_INTERVAL = timedelta(seconds=1)
#: A board that was wiped is without its quiet contracts for no longer than this.
_RESTATE_INTERVAL = timedelta(seconds=2)
_MATCH_INTERVAL = timedelta(milliseconds=250)


class MarketSource(Protocol):
    """Where quotes come from."""

    @property
    def name(self) -> str:
        """What the source is called where the system shows it."""

    @property
    def universe(self) -> Universe:
        """The contracts whose rows the moves count in."""

    def moves(self) -> Iterator[MarketMove]:
        """Yield moves in the order of market time, from the first one on."""


class Beacon(Protocol):
    """Tells every process that a feed runs and where in market time it is."""

    def show(self, source: str, wall: datetime, market: datetime, speed: float) -> None:
        """Say that the feed runs."""

    def hide(self) -> None:
        """Say that it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPorts:
    """What a feed talks to.  ``outages`` are the errors that mean: away for now, try again."""

    universes: UniverseSource
    board: QuoteBoard
    beacon: Beacon
    clock: Clock
    meter: Meter
    #: Asks for a look at the resting orders.
    match: Callable[[], bool]
    outages: tuple[type[Exception], ...]


class Feed:
    """Runs one source, ``speed`` times as fast as it is; from the start again where it ``loops``."""

    def __init__(
        self,
        source: MarketSource,
        ports: FeedPorts,
        *,
        buffer_size: int,
        speed: float = 1.0,
        loops: bool = False,
    ) -> None:
        self._source = source
        self._ports = ports
        self._loops = loops
        self._pace = Pace(speed)
        self._quoting = Quoting(
            source.universe, ports.universes, ports.board, buffer_size=buffer_size
        )
        self._outage = Outage("feed")
        self._beacon_time = Every(_BEACON_INTERVAL)
        self._restate_time = Every(_RESTATE_INTERVAL)
        self._match_time = Every(_MATCH_INTERVAL)
        self._has_moved = False

    def run(self, stop: Event) -> None:
        """Feed until ``stop`` is set, or to the end of a source that does not loop."""
        log.info("feed.started", source=self._source.name, contracts=len(self._source.universe))
        try:
            self._play(stop)
            while self._loops and not stop.is_set():
                self._play(stop)
        finally:
            self._close()

    @property
    def ticks_dropped(self) -> int:
        """How often a quote had to leave the full buffer before it was written."""
        return self._quoting.buffer.dropped

    def _play(self, stop: Event) -> None:
        for number, move in enumerate(self._source.moves()):
            if number == 0:
                self._pace.begin(move.at, self._ports.clock())
                self._beacon_time.at_once()
            if not self._wait_for(move.at, stop):
                return
            self._take(move)

    def _wait_for(self, market: datetime, stop: Event) -> bool:
        """Tend the board until the market is there; False where the feed shall stop instead."""
        due = self._pace.due(market)
        while not stop.is_set():
            now = self._ports.clock()
            self._tend(now)
            if now >= due:
                self._pace.slip(market, now)
                return True
            stop.wait(min((due - now).total_seconds(), _GLANCE_SECONDS))
        return False

    def _take(self, move: MarketMove) -> None:
        self._ports.meter.add(Metric.MARKET_TICKS, len(move.rows))
        for piece in self._quoting.pieces(move):
            now = self._ports.clock()
            self._quoting.take(move, piece, epoch_ms(now))
            self._tend(now)

    def _tend(self, now: datetime) -> None:
        """Do all that has become due, unless a server is away."""
        if self._outage.holds_back(now):
            return
        try:
            self._publish(now)
        except self._ports.outages as error:
            self._outage.record_failure(now, error)
            # What was drained did not arrive, and the board may come back empty.
            self._has_moved = True
            self._restate_time.at_once()
            self._beacon_time.at_once()
        else:
            self._outage.record_success(now)

    def _publish(self, now: datetime) -> None:
        now_ms = epoch_ms(now)
        if self._beacon_time.is_time(now):
            market = self._pace.market(now)
            self._ports.beacon.show(self._source.name, now, market, self._pace.speed)
        if self._quoting.follow():
            self._restate_time.at_once()
        if self._restate_time.is_time(now):
            self._has_moved |= self._quoting.restate(now_ms)
        elif self._quoting.buffer.is_due(now_ms):
            self._has_moved |= self._quoting.flush(now_ms)
        if self._has_moved and self._match_time.is_time(now):
            self._has_moved = False
            self._ports.match()

    def _close(self) -> None:
        now = self._ports.clock()
        try:
            self._quoting.follow()
            self._quoting.flush(epoch_ms(now))
            self._ports.beacon.hide()
        except self._ports.outages as error:
            self._outage.record_failure(now, error)
        log.info("feed.stopped", source=self._source.name, dropped=self.ticks_dropped)
