"""The live view of one API key: what it may read is read again and again while a page shows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import methodcaller
from threading import Condition, Thread
from time import monotonic
from typing import Any, Final

import structlog

from angel_x.client import Client
from angel_x.domain.book.control import ControlList
from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.domain.records.access import KeyHolder
from angel_x.domain.records.live_event import StreamEvent
from angel_x.domain.records.margin_record import Balance
from angel_x.domain.records.market_status import MarketStatus
from angel_x.domain.records.statement import PositionRecord
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.errors import ApiError, Unauthorized

log = structlog.get_logger()

#: Seconds after the last look of a page in which reading goes on.
_IDLE_SECONDS = 10.0
_STREAM_PAUSE_SECONDS = 1.0
_KEPT_EVENTS = 200
#: Seconds between two readings of each source.
_SOURCES: Final[Mapping[str, tuple[float, Callable[[Client], object]]]] = {
    "market": (1.0, methodcaller("market")),
    "positions": (1.0, methodcaller("positions")),
    "balance": (1.0, methodcaller("margin")),
    "portfolio": (2.0, methodcaller("portfolio")),
    "controls": (2.0, methodcaller("controls")),
}
#: The sources that an event of the stream makes due.
_MOVED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "order": ("positions", "balance"),
    "trading_state": ("controls",),
    "gap": tuple(_SOURCES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The newest readings of an account."""

    market: ApiReading[MarketStatus] = field(default_factory=ApiReading)
    positions: ApiReading[list[PositionRecord]] = field(default_factory=ApiReading)
    balance: ApiReading[Balance] = field(default_factory=ApiReading)
    portfolio: ApiReading[Portfolio] = field(default_factory=ApiReading)
    controls: ApiReading[ControlList] = field(default_factory=ApiReading)


class WatchedAccount:
    """Reads for all pages of one key together, in threads of its own."""

    def __init__(
        self, client: Client, holder: KeyHolder, clock: Callable[[], float] = monotonic
    ) -> None:
        self.client = client
        self.holder = holder
        self.clock = clock
        #: The key was revoked or has expired.
        self.is_refused = False
        #: Grows with every event that concerns an order.
        self.order_moves = 0
        #: The newest events, each with a number that grows.
        self.events: deque[tuple[int, StreamEvent]] = deque(maxlen=_KEPT_EVENTS)
        self._readings: dict[str, ApiReading[Any]] = {name: ApiReading() for name in _SOURCES}
        self._due = dict.fromkeys(_SOURCES, 0.0)
        self._change = Condition()
        self._sessions = 0
        self._looked_at = clock()
        self._threads: list[Thread] = []

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(**self._readings)

    def enter(self) -> None:
        """Count a session; the first one starts the reading."""
        with self._change:
            self._sessions += 1
        self.look()
        if not self._threads:
            self._threads = [
                Thread(target=target, name=f"desk-{target.__name__}", daemon=True)
                for target in (self._read_on, self._listen_on)
            ]
            for thread in self._threads:
                thread.start()

    def leave(self) -> None:
        """Count a session less; after the last one the threads end."""
        with self._change:
            self._sessions -= 1
            self._change.notify_all()

    @property
    def was_left(self) -> bool:
        """Return whether there were sessions and there are none any more; it is not entered again."""
        return not self._has_sessions() and bool(self._threads)

    def look(self) -> None:
        """Go on reading for a while: a page shows the account now."""
        with self._change:
            was_idle = self._is_idle()
            self._looked_at = self.clock()
            if was_idle:
                self._change.notify_all()

    def hasten(self, *names: str) -> None:
        """Read sources, by default all, without waiting for their turn."""
        with self._change:
            for name in names or _SOURCES:
                self._due[name] = 0.0
            self._change.notify_all()

    def _has_sessions(self) -> bool:
        return self._sessions > 0

    def _is_idle(self) -> bool:
        return self.clock() - self._looked_at > _IDLE_SECONDS

    def _read_on(self) -> None:
        while name := self._next():
            every, read = _SOURCES[name]
            with self._change:
                self._due[name] = self.clock() + every
            try:
                self._readings[name] = self._readings[name].again(
                    partial(read, self.client), self.clock
                )
            except Unauthorized:
                self.is_refused = True

    def _next(self) -> str | None:
        """Wait for the source that is due next; None once the account was left."""
        with self._change:
            while self._has_sessions() and not self.is_refused:
                name = min(self._due, key=self._due.__getitem__)
                wait = None if self._is_idle() else self._due[name] - self.clock()
                if wait is not None and wait <= 0.0:
                    return name
                self._change.wait(wait)
        return None

    def _listen_on(self) -> None:
        after: str | None = None
        while self._has_sessions() and not self.is_refused:
            try:
                for event in self.client.stream(after):
                    after = event.id
                    self._hear(event)
                    if not self._has_sessions():
                        return
            except ApiError as error:
                log.info("stream.lost", user_id=self.holder.user_id, reason=str(error))
            with self._change:
                self._change.wait(_STREAM_PAUSE_SECONDS)

    def _hear(self, event: StreamEvent) -> None:
        number = self.events[-1][0] + 1 if self.events else 1
        self.events.append((number, event))
        if event.kind == "order":
            self.order_moves += 1
        if due := _MOVED_BY.get(event.kind):
            self.hasten(*due)
