"""The ticks of any number of instruments, over as many connections as they need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import structlog

from angel_x.adapters.angel_one.market_frames import (
    Decoded,
    Fault,
    Instrument,
    Instruments,
    Mode,
    decode,
)
from angel_x.adapters.angel_one.market_socket import (
    MOST_CONNECTIONS,
    MOST_SUBSCRIPTIONS,
    FrameQueue,
    MarketSocket,
    SocketEndpoint,
    SocketState,
    Subscriptions,
)

log = structlog.get_logger()

_SAMPLE_BYTES = 64


class MarketStream:
    """Subscribes on entry, and closes its connections on exit."""

    def __init__(
        self,
        endpoint: SocketEndpoint,
        instruments: Sequence[Instrument],
        *,
        mode: Mode = Mode.SNAP_QUOTE,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        """Take instruments, each once; ticks name them by their place.

        Raises:
            ValueError: There are more than all connections of a client take.
        """
        self._instruments = Instruments(instruments)
        self._frames = FrameQueue()
        wanted = spread({mode: instruments})
        self._sockets = [MarketSocket(endpoint, part, self._frames) for part in wanted]
        self._on_close = on_close
        #: Frames that made no sense since the start, by reason.
        self.faults: Counter[Fault] = Counter()

    def __enter__(self) -> Self:
        for each in self._sockets:
            each.start()
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

    @property
    def states(self) -> list[SocketState]:
        """The state of each connection."""
        return [each.state for each in self._sockets]

    @property
    def dropped(self) -> int:
        """Frames that were dropped because nobody took them."""
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


def spread(wanted: Subscriptions) -> list[Subscriptions]:
    """Return the subscriptions of each connection, as many as it takes, one connection at least.

    Raises:
        ValueError: There are more than all connections of a client take.
    """
    every = [(mode, each) for mode, instruments in wanted.items() for each in instruments]
    most = MOST_CONNECTIONS * MOST_SUBSCRIPTIONS
    if len(every) > most:
        raise ValueError(f"subscriptions: at most {most}, were {len(every)}")
    starts = range(0, max(1, len(every)), MOST_SUBSCRIPTIONS)
    return [_by_mode(every[start : start + MOST_SUBSCRIPTIONS]) for start in starts]


def _by_mode(subscriptions: Iterable[tuple[Mode, Instrument]]) -> Subscriptions:
    found: dict[Mode, list[Instrument]] = {}
    for mode, instrument in subscriptions:
        found.setdefault(mode, []).append(instrument)
    return found


def _sample(frames: Sequence[bytes]) -> str:
    return frames[-1][:_SAMPLE_BYTES].hex()
