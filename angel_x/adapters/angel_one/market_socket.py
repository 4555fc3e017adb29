"""One connection to Angel One's market data socket (SmartWebSocketV2), kept up by a thread.

A connection that ends, stays silent or refuses the token is made anew, with a growing pause and all
subscriptions, which may be changed at any time.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
from time import monotonic

import msgspec
import structlog
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from angel_x.adapters.angel_one.credentials import Credentials, Tokens
from angel_x.adapters.angel_one.market_frames import Instrument, Mode
from angel_x.errors import BrokerError

log = structlog.get_logger()

#: Token-mode subscriptions of one connection, at most, and connections of a client.
MOST_SUBSCRIPTIONS, MOST_CONNECTIONS = 1000, 3
#: Tokens of one request.
_AT_A_TIME = 500
_PING_SECONDS = 10.0
#: Silence, not even an answer to a ping, after which a connection is given up.
_SILENCE_SECONDS = 25.0
_LOOK_SECONDS = 0.25
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
#: Waiting frames: three of each subscription.
_MOST_FRAMES = 3 * MOST_CONNECTIONS * MOST_SUBSCRIPTIONS
_UNAUTHORIZED = 401
_SUBSCRIBE, _UNSUBSCRIBE = 1, 0
#: The errors of a connection that another one may not have.
_BROKEN = (OSError, WebSocketException, BrokerError)

#: One instrument, and how much is told about it.
Subscription = tuple[Mode, Instrument]


@dataclass(frozen=True, slots=True)
class SocketEndpoint:
    """The address of the socket, and the tokens of the session for it."""

    url: str
    credentials: Credentials
    tokens: Callable[[], Tokens]
    #: Replaces tokens that were refused.
    renewed: Callable[[Tokens], Tokens]

    def headers(self, tokens: Tokens) -> dict[str, str]:
        """Return the headers of the handshake, which are never logged."""
        return {
            "Authorization": f"Bearer {tokens.access}",
            "x-api-key": self.credentials.api_key,
            "x-client-code": self.credentials.client_code,
            "x-feed-token": tokens.feed,
        }


@dataclass(slots=True)
class SocketState:
    """The state of a connection, as of its last event."""

    is_connected: bool = False
    #: The monotonic time of the last message, zero before the first.
    heard_at: float = 0.0
    connections: int = 0
    #: Errors that the broker has reported, by code.
    errors: Counter[str] = field(default_factory=Counter)


class FrameQueue:
    """The waiting frames of all connections; when it is full, the oldest are dropped."""

    def __init__(self, most: int = _MOST_FRAMES) -> None:
        self._frames: deque[bytes] = deque(maxlen=most)
        self._arrived = Condition()
        self.dropped = 0

    def put(self, frame: bytes) -> None:
        """Add a frame."""
        with self._arrived:
            self.dropped += len(self._frames) == self._frames.maxlen
            self._frames.append(frame)
            self._arrived.notify()

    def take(self, wait_seconds: float) -> list[bytes]:
        """Return all frames that wait, or those that come first within some seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: bool(self._frames), wait_seconds)
            frames = list(self._frames)
            self._frames.clear()
        return frames


class MarketSocket:
    """Receives the frames of its subscriptions from :meth:`start` to :meth:`close`."""

    def __init__(self, endpoint: SocketEndpoint, frames: FrameQueue) -> None:
        self._endpoint = endpoint
        self._frames = frames
        self.state = SocketState()
        self._wanted: frozenset[Subscription] = frozenset()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="market-socket", daemon=True)

    def want(self, subscriptions: Collection[Subscription]) -> None:
        """Subscribe these, and no others any longer; a running connection follows soon.

        Raises:
            ValueError: There are more than one connection takes.
        """
        if len(subscriptions) > MOST_SUBSCRIPTIONS:
            raise ValueError(
                f"subscriptions: at most {MOST_SUBSCRIPTIONS}, were {len(subscriptions)}"
            )
        self._wanted = frozenset(subscriptions)

    def start(self) -> None:
        """Begin to connect; the caller does not wait for it."""
        self._thread.start()

    def close(self) -> None:
        """End the connection and its thread."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            before = self.state.connections
            try:
                self._connect()
            except _BROKEN as error:
                failures = 0 if self.state.connections > before else failures + 1
                log.warning("market_socket.broken", error=str(error)[:200], failures=failures)
            self.state.is_connected = False
            self._stopped.wait(_pause(failures))

    def _connect(self) -> None:
        tokens = self._endpoint.tokens()
        try:
            connection = connect(
                self._endpoint.url,
                additional_headers=self._endpoint.headers(tokens),
                compression=None,
                # The broker answers text, not the protocol's own pings.
                ping_interval=None,
                # Each pause of the receiving thread costs a change of threads.
                max_queue=_MOST_FRAMES,
                proxy=None,
            )
        except InvalidStatus as error:
            if error.response.status_code == _UNAUTHORIZED:
                self._endpoint.renewed(tokens)
            raise
        with connection:
            self._listen(connection)

    def _listen(self, connection: ClientConnection) -> None:
        subscribed = self._follow(connection, frozenset())
        state, now = self.state, monotonic()
        state.is_connected, state.connections, state.heard_at = True, state.connections + 1, now
        log.info("market_socket.connected", connections=state.connections)
        pinged_at = now
        while not self._stopped.is_set():
            with suppress(TimeoutError):
                self._hear(connection.recv(timeout=_LOOK_SECONDS))
                state.heard_at = monotonic()
            subscribed = self._follow(connection, subscribed)
            now = monotonic()
            if now - state.heard_at > _SILENCE_SECONDS:
                raise TimeoutError(f"nothing was heard for {_SILENCE_SECONDS:g} s")
            if now - pinged_at >= _PING_SECONDS:
                connection.send("ping")
                pinged_at = now

    def _follow(
        self, connection: ClientConnection, subscribed: frozenset[Subscription]
    ) -> frozenset[Subscription]:
        """Subscribe the missing instruments, end the superfluous ones; return the subscriptions."""
        wanted = self._wanted
        if wanted is subscribed:
            # The usual case, after every message.
            return subscribed
        for action, changed in (
            (_UNSUBSCRIBE, subscribed - wanted),
            (_SUBSCRIBE, wanted - subscribed),
        ):
            for request in _requests(action, changed):
                connection.send(request)
        return wanted

    def _hear(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._frames.put(message)
        elif message != "pong":
            self._report(message)

    def _report(self, message: str) -> None:
        """Count an error of the broker, and log the first one of each code."""
        try:
            content = msgspec.json.decode(message, type=dict[str, object])
        except msgspec.DecodeError:
            content = {}
        code = str(content.get("errorCode", "unreadable"))
        self.state.errors[code] += 1
        if self.state.errors[code] == 1:
            log.warning("market_socket.refused", code=code, sample=message[:200])


def _requests(action: int, subscriptions: Iterable[Subscription]) -> Iterator[str]:
    by_mode: dict[Mode, list[Instrument]] = {}
    for mode, instrument in sorted(subscriptions):
        by_mode.setdefault(mode, []).append(instrument)
    for mode, instruments in by_mode.items():
        for start in range(0, len(instruments), _AT_A_TIME):
            yield _request(action, mode, instruments[start : start + _AT_A_TIME])


def _request(action: int, mode: Mode, instruments: Sequence[Instrument]) -> str:
    tokens: dict[int, list[str]] = {}
    for each in instruments:
        tokens.setdefault(each.exchange, []).append(each.token)
    lists = [{"exchangeType": exchange, "tokens": found} for exchange, found in tokens.items()]
    content = {
        "correlationID": "angelx0001",
        "action": action,
        "params": {"mode": mode.value, "tokenList": lists},
    }
    return msgspec.json.encode(content).decode()


def _pause(failures: int) -> float:
    """Return the seconds before another attempt; two processes do not come back together."""
    longest = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 10), _LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
