"""The ticks of any number of instruments, over as many connections as they need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from types import TracebackType
from typing import Self

import structlog

from angel_x.adapters.angel_one.market_frames import (
    Decoded,
    Fault,
    Instrument,
    Instruments,
    decode,
)
from angel_x.adapters.angel_one.market_socket import (
    MOST_CONNECTIONS,
    MOST_SUBSCRIPTIONS,
    FrameQueue,
    MarketSocket,
    SocketEndpoint,
    SocketState,
    Subscription,
)

log = structlog.get_logger()

_SAMPLE_BYTES = 64


class MarketStream:
    """Keeps connections up for its subscriptions, until it is left."""

    def __init__(
        self,
        endpoint: SocketEndpoint,
        instruments: Sequence[Instrument],
        *,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        """Take all instruments that may be subscribed, each once; ticks name them by their place.

        Raises:
            ValueError: A token is no number of at most eight digits.
        """
        self._endpoint = endpoint
        self._instruments = Instruments(instruments)
        self._frames = FrameQueue()
        self._sockets: list[MarketSocket] = []
        #: The number of the connection of each subscription.
        self._numbers: dict[Subscription, int] = {}
        self._on_close = on_close
        #: Frames that made no sense since the start, by reason.
        self.faults: Counter[Fault] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        with ExitStack() as ending:
            ending.callback(self._on_close)
            for each in self._sockets:
                ending.callback(each.close)

    def want(self, subscriptions: Sequence[Subscription]) -> None:
        """Subscribe these, each once, and no others any longer.

        Those that stay keep their connection; connections are made as they are needed.

        Raises:
            ValueError: There are more than all connections of a client take.
        """
        most = MOST_CONNECTIONS * MOST_SUBSCRIPTIONS
        if len(subscriptions) > most:
            raise ValueError(f"subscriptions: at most {most}, were {len(subscriptions)}")
        self._numbers = _numbered(subscriptions, self._numbers)
        for number in range(max(self._numbers.values(), default=0) + 1):
            mine = [each for each, holder in self._numbers.items() if holder == number]
            self._socket(number).want(mine)

    @property
    def has_market(self) -> bool:
        """True while every connection stands; without one there is no market."""
        return bool(self._sockets) and all(each.state.is_connected for each in self._sockets)

    @property
    def states(self) -> list[SocketState]:
        """The state of each connection."""
        return [each.state for each in self._sockets]

    @property
    def dropped(self) -> int:
        """Frames that were dropped from the full queue."""
        return self._frames.dropped

    def take(self, wait_seconds: float) -> Decoded:
        """Return the ticks that wait, or those that come first within some seconds."""
        frames = self._frames.take(wait_seconds)
        found = decode(frames, self._instruments)
        for fault in found.faults.keys() - self.faults.keys():
            # Once for each reason: a broken feed must not fill the log.
            log.warning("market_frames.left_out", reason=fault, sample=_sample(frames))
        self.faults += Counter(found.faults)
        return found

    def _socket(self, number: int) -> MarketSocket:
        while number >= len(self._sockets):
            self._sockets.append(MarketSocket(self._endpoint, self._frames))
            self._sockets[-1].start()
        return self._sockets[number]


def _numbered(
    subscriptions: Sequence[Subscription], before: Mapping[Subscription, int]
) -> dict[Subscription, int]:
    """Return the connection of each subscription: the one it has had, else the first with room."""
    numbers = {each: before[each] for each in subscriptions if each in before}
    taken = Counter(numbers.values())
    for each in subscriptions:
        if each not in numbers:
            number = next(n for n in count() if taken[n] < MOST_SUBSCRIPTIONS)
            numbers[each] = number
            taken[number] += 1
    return numbers


def _sample(frames: Sequence[bytes]) -> str:
    return frames[-1][:_SAMPLE_BYTES].hex()
