"""The socket of order updates: kept connected, and read without trust in its content."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

import msgspec
import structlog
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from angel_x.adapters.angel_one.records import BookOrder
from angel_x.adapters.angel_one.session import Session
from angel_x.errors import BrokerError, BrokerUnavailable

log = structlog.get_logger()

_HEARTBEAT_SECONDS, _SILENCE_SECONDS = 10.0, 25.0
_OPEN_SECONDS, _IDLE_SECONDS = 7.0, 0.5
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
_MOST_DOUBLINGS = 10
_ENDED = frozenset({401, 403})
#: Characters of a frame that cannot be read, in the log.
_SAMPLE = 200
_FAILURES = (OSError, WebSocketException, BrokerError)


class Event(Enum):
    """An event of the socket that is no update."""

    CONNECTED = auto()
    """Updates before this moment may be missing."""

    IDLE = auto()
    """Nothing came for a while; the socket is connected."""

    LOST = auto()
    """There is no connection."""


@dataclass(slots=True)
class Tally:
    """Counts of a socket."""

    updates: int = 0
    unreadable: int = 0
    connections: int = 0


class OrderUpdates:
    """Yields order updates; after a loss it connects again, with growing pauses.

    An update may come twice, late or never: see :class:`~angel_x.adapters.angel_one.order_watch.Watch`.
    """

    def __init__(
        self,
        url: str,
        session: Session,
        *,
        sleep: Callable[[float], object],
        monotonic: Callable[[], float],
        random: Random,
    ) -> None:
        self._url = url
        self._session = session
        self._sleep = sleep
        self._monotonic = monotonic
        self._random = random
        self._failures = 0
        self.tally = Tally()

    def events(self) -> Iterator[BookOrder | Event]:
        """Yield updates and events for as long as they are asked for."""
        while True:
            try:
                yield from self._connected()
            except _FAILURES as error:
                self._failures += 1
                log.warning(
                    "order_updates.lost", error=f"{type(error).__name__}: {error}"[:_SAMPLE]
                )
            yield Event.LOST
            self._sleep(self._pause())

    def _connected(self) -> Iterator[BookOrder | Event]:
        tokens = self._session.tokens()
        try:
            socket = self._open(tokens.access)
        except InvalidStatus as refusal:
            if refusal.response.status_code in _ENDED:
                self._session.renewed(tokens)
            raise
        with socket:
            self.tally.connections += 1
            yield Event.CONNECTED
            for event in self._received(socket):
                self._failures = 0
                yield event

    def _open(self, token: str) -> ClientConnection:
        tls = ssl.create_default_context() if self._url.startswith("wss:") else None
        return connect(
            self._url,
            ssl=tls,
            additional_headers={"Authorization": f"Bearer {token}"},
            open_timeout=_OPEN_SECONDS,
            close_timeout=_IDLE_SECONDS,
            proxy=None,
        )

    def _received(self, socket: ClientConnection) -> Iterator[BookOrder | Event]:
        heard = pinged = self._monotonic()
        while (now := self._monotonic()) - heard < _SILENCE_SECONDS:
            if now - pinged >= _HEARTBEAT_SECONDS:
                socket.send("ping")
                pinged = now
            try:
                frame = socket.recv(timeout=_IDLE_SECONDS)
            except TimeoutError:
                yield Event.IDLE
                continue
            heard = self._monotonic()
            update = self._read(frame)
            if update is not None:
                yield update
        log.warning("order_updates.silent", seconds=_SILENCE_SECONDS)

    def _read(self, frame: str | bytes) -> BookOrder | None:
        """Return the order of a frame; None for a heartbeat, the first frame and what is unreadable."""
        if frame == "pong":
            return None
        try:
            order = _order(frame)
        except (ValueError, RecursionError, BrokerError):
            self.tally.unreadable += 1
            if self.tally.unreadable == 1:
                log.warning("order_update.unreadable", sample=repr(frame[:_SAMPLE]))
            return None
        self.tally.updates += order is not None
        return order

    def _pause(self) -> float:
        doublings = min(self._failures, _MOST_DOUBLINGS)
        longest = min(_FIRST_PAUSE_SECONDS * float(1 << doublings), _LONGEST_PAUSE_SECONDS)
        return longest * (0.5 + self._random.random() / 2)


def _order(frame: str | bytes) -> BookOrder | None:
    document = msgspec.json.decode(frame)
    if not isinstance(document, dict):
        raise BrokerUnavailable("an update must be an object")
    row = document.get("orderData")
    if not row:
        return None
    if not isinstance(row, dict):
        raise BrokerUnavailable("the order of an update must be an object")
    order = BookOrder.of(row)
    if not order.order_id:
        raise BrokerUnavailable("an update must name its order")
    return order
