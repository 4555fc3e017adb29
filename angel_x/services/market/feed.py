"""The feed: plays a source of market data at its pace and writes the quote board."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.feed.feed_state import FeedCommand, FeedState, FeedVerb
from angel_x.domain.feed.pace import Every, Pace
from angel_x.services.market.feed_watch import FeedWatch
from angel_x.services.market.quoting import Quoting
from angel_x.services.outage import Outage

if TYPE_CHECKING:
    from threading import Event

    from angel_x.domain.feed.market_move import MarketMove
    from angel_x.services.market.feed_ports import FeedPorts, MarketSource
    from angel_x.services.market.quoting import SourceRows

log = structlog.get_logger()

#: The longest sleep of the feed between moves, well under the interval of a flush.
_SLEEP_SECONDS = 0.02
#: The largest share of time for early writes: a slow one is followed by a rest.
_WRITING_SHARE = 0.1
_COMMAND_INTERVAL = timedelta(milliseconds=50)
_BEACON_INTERVAL = timedelta(seconds=1)
#: The longest time that a wiped board lacks contracts without new quotes.
_RESTATE_INTERVAL = timedelta(seconds=2)
_SLIP_INTERVAL = timedelta(minutes=1)
#: Market time for which a recording of one snapshot stands until it begins again.
_STANDING = timedelta(minutes=1)
#: Market time for which the last quotes of a recorded day stand: its close and its settlement.
_DAY = timedelta(days=1)
_MATCH_INTERVAL = timedelta(milliseconds=250)


class Feed:
    """Plays one source at ``speed`` times its pace, repeatedly where it ``loops``.

    Where it ``stands``, its last quotes stay for a day of market time.

    It executes commands: pause, resume, speed and seek.  While it is paused, neither market time nor
    quotes change.  A seek changes market time and quotes only, in either direction: orders keep
    their state.  When another universe becomes current, a source that supports it continues with
    the contracts of that universe.
    """

    def __init__(
        self,
        source: MarketSource,
        ports: FeedPorts,
        *,
        buffer_size: int,
        speed: float = 1.0,
        loops: bool = False,
        stands: bool = False,
    ) -> None:
        self._source = source
        self._ports = ports
        self._loops = loops
        self._stands = stands
        self._pace = Pace(speed)
        self._quoting = Quoting(
            source.universe, ports.universes, ports.board, buffer_size=buffer_size
        )
        self._watch = FeedWatch(source, ports)
        self._outage = Outage("feed")
        self._command_time = Every(_COMMAND_INTERVAL)
        self._beacon_time = Every(_BEACON_INTERVAL)
        self._restate_time = Every(_RESTATE_INTERVAL)
        self._match_time = Every(_MATCH_INTERVAL)
        self._slip_time = Every(_SLIP_INTERVAL)
        self._has_moved = False
        self._rest_ms = 0.0
        self._lost_seconds = 0.0
        self._executed = ""
        #: Whether the whole market of the source has been taken.
        self._is_whole = False
        #: The last version whose quotes are known to be on the board.
        self._announced = ""
        self._sought: datetime | None = None
        #: The source with the new contracts, once the present play is interrupted.
        self._relisted: MarketSource | None = None

    def run(self, stop: Event) -> None:
        """Play until ``stop`` is set, or to the end of a source that does not loop."""
        log.info("feed.started", source=self._source.name, contracts=len(self._source.universe))
        try:
            since = None
            while self._play(since, stop):
                since, self._sought = self._sought, None
                self._change_source()
        finally:
            self._close()

    @property
    def ticks_dropped(self) -> int:
        """The number of quotes dropped from the full buffer."""
        return self._quoting.dropped

    def _play(self, since: datetime | None, stop: Event) -> bool:
        """Play the source from a time on; return whether to play again."""
        last, moves = None, 0
        for move in self._source.moves(since):
            if last is None:
                self._begin(move)
            # The first move is the present market, so it is taken at once, even while paused.
            if not (last is None or self._wait_for(move.at, stop)):
                break
            last, moves = move.at, moves + 1
            self._take(move)
        else:
            # Commands are executed after the end of a recording too.
            if last is not None:
                standing = self._standing(moves)
                self._wait_for(last + standing, stop, stands=bool(standing))
        return not stop.is_set() and (self._sought is not None or self._loops)

    def _standing(self, moves: int) -> timedelta:
        """Return the market time for which the last quotes of a play stay."""
        if self._stands:
            return _DAY
        return _STANDING if self._loops and moves == 1 else timedelta()

    def _relist(self, now: datetime) -> None:
        """Prepare the source for the contracts of a new universe."""
        listing = self._quoting.listing
        if listing is None or listing.universe.version == self._source.universe.version:
            return
        self._relisted = self._source.relisted(listing.universe)
        if self._relisted is not None and self._sought is None:
            self._sought = self._pace.market(now)

    def _change_source(self) -> None:
        if self._relisted is None:
            return
        self._source, self._relisted, self._is_whole = self._relisted, None, False
        self._quoting.change(self._source.universe)
        self._watch.change(self._source)

    def _begin(self, first: MarketMove) -> None:
        self._pace.begin(first.at, self._ports.clock())
        self._quoting.restart(first)
        self._watch.begin(first.at)
        self._beacon_time.at_once()
        self._restate_time.at_once()

    def _wait_for(self, market: datetime, stop: Event, *, stands: bool = False) -> bool:
        """Serve the board until market time is ``market``; return False if the feed must not go there.

        Where the market ``stands``, no move is expected until then.
        """
        while not stop.is_set():
            now = self._ports.clock()
            if now >= self._pace.due(market):
                return self._sought is None
            self._serve(now, coming=0)
            if self._sought is not None:
                return False
            if not stands:
                self._watch.wait(self._pace.market(now))
            seconds = (self._pace.due(market) - now).total_seconds()
            stop.wait(max(0.0, min(seconds, _SLEEP_SECONDS)))
        return False

    def _take(self, move: MarketMove) -> None:
        now = self._ports.clock()
        lag_seconds = self._lag(move.at, now)
        self._watch.hear(move, lag_seconds)
        if self._pace.slip(move.at, now):
            self._report_slip(lag_seconds, move.at, now)
        for piece in self._quoting.pieces(move):
            now = self._ports.clock()
            self._serve(now, coming=len(move.rows[piece]))
            self._quoting.take(move, piece, epoch_ms(now))
        self._is_whole = True

    def _report_slip(self, seconds: float, market: datetime, now: datetime) -> None:
        """Log the lost time, at most once a minute: a feed that cannot keep up loses time constantly."""
        self._lost_seconds += seconds
        if self._slip_time.is_time(now):
            lost, self._lost_seconds = self._lost_seconds, 0.0
            log.warning("feed.slipped", seconds=round(lost, 3), market=market.isoformat())

    def _lag(self, market: datetime, now: datetime) -> float:
        return max(0.0, (now - self._pace.due(market)).total_seconds())

    def _serve(self, now: datetime, *, coming: int) -> None:
        """Do all due work before ``coming`` ticks are taken, unless a server is unavailable."""
        if self._outage.holds_back(now):
            return
        try:
            self._execute(now)
            # A seek is published once it is done, not when it begins.
            if self._sought is None:
                self._publish(now, coming=coming)
        except self._ports.outages as error:
            self._outage.record_failure(now, error)
            # The drained quotes were not written, and the board may come back empty.
            self._has_moved = True
            self._restate_time.at_once()
            self._beacon_time.at_once()
        else:
            self._outage.record_success(now)

    def _publish(self, now: datetime, *, coming: int) -> None:
        now_ms = epoch_ms(now)
        before = self._quoting.listing
        if self._quoting.follow():
            self._restate_time.at_once()
            self._relist(now)
            self._carry(before)
        if self._beacon_time.is_time(now):
            self._watch.measure(self._quoting, self._pace.market(now), now_ms)
            self._ports.beacon.show(self._state(now))
        # What a lost market said last must become stale.
        if self._source.has_market and self._restate_time.is_time(now):
            self._has_moved |= self._quoting.restate(now_ms)
            self._announce()
        elif self._quoting.buffer.is_due(now_ms, coming=coming, rest_ms=self._rest_ms):
            self._has_moved |= self._quoting.flush(now_ms)
            took_ms = (self._ports.clock() - now).total_seconds() * 1000.0
            self._rest_ms = took_ms / _WRITING_SHARE
            self._announce()
        if self._has_moved and self._match_time.is_time(now):
            self._has_moved = False
            self._ports.match(*self._quoting.take_moved())

    def _carry(self, before: SourceRows | None) -> None:
        """Keep the Greeks and risk arrays of contracts that stay listed, until they are priced again."""
        listing = self._quoting.listing
        if before is not None and listing is not None:
            self._ports.carry(before.universe, listing.universe)

    def _announce(self) -> None:
        """Let others use a universe, once every quote of its source is on the board."""
        listing = self._quoting.listing
        if listing is None or self._relisted is not None or not self._is_whole:
            return
        if listing.universe.version != self._announced:
            self._ports.announce(listing.universe.version)
            self._announced = listing.universe.version

    def _state(self, now: datetime) -> FeedState:
        return FeedState(
            source=self._source.name,
            wall=now,
            market=self._pace.market(now),
            speed=self._pace.speed,
            is_paused=self._pace.is_paused,
            is_continuous=self._source.is_continuous,
            obeyed=self._executed,
            gaps=self._watch.gaps,
            stale_contracts=self._watch.stale_contracts,
            lag_seconds=self._watch.lag_seconds,
        )

    def _execute(self, now: datetime) -> None:
        if not self._command_time.is_time(now):
            return
        while (command := self._ports.take_command()) is not None:
            self._follow_command(command, now)
            self._executed = command.id
            self._beacon_time.at_once()
            log.info("feed.commanded", command=command.id, verb=command.verb.value)

    def _follow_command(self, command: FeedCommand, now: datetime) -> None:
        match command.verb:
            case FeedVerb.PAUSE:
                self._pace.pause(now)
            case FeedVerb.RESUME:
                self._pace.resume(now)
            case FeedVerb.SPEED if command.speed is not None:
                self._pace.change(command.speed, now)
            case FeedVerb.SEEK:
                self._sought = command.at

    def _close(self) -> None:
        now = self._ports.clock()
        try:
            self._quoting.follow()
            self._quoting.flush(epoch_ms(now))
            self._ports.beacon.hide()
        except self._ports.outages as error:
            self._outage.record_failure(now, error)
        log.info("feed.stopped", source=self._source.name, dropped=self.ticks_dropped)
