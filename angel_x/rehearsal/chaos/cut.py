"""Where a connection is cut: at bytes that pass, before or behind them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum, auto


class Point(Enum):
    """The position of a cut in a connection, relative to the awaited bytes."""

    #: Before the request that holds them reaches the server.
    REQUEST = auto()
    #: Before the reply that holds them reaches the program.
    REPLY = auto()
    #: After the request that holds them reached the server, before anything of its reply returns.
    REPLY_TO = auto()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that have arrived from one side, and those just before them."""

    fresh: bytes
    before: bytes
    is_request: bool

    def occurrences(self, pattern: bytes) -> int:
        """Count where the pattern ends within the fresh bytes."""
        overlap = len(pattern) - 1
        return (self.before[-overlap:] + self.fresh if overlap else self.fresh).count(pattern)


@dataclass(slots=True, eq=False)
class Cut:
    """One cut that waits for its bytes; the bytes it cuts off are lost on both sides."""

    pattern: bytes
    point: Point
    #: The how-manieth occurrence is cut.
    nth: int = 1
    #: The bytes that it cut off; empty until then.
    lost: bytes = b""
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Return whether it cuts within so many seconds."""
        return self._done.wait(seconds)

    def finish(self, lost: bytes) -> None:
        """Note that a connection was cut."""
        self.lost = lost
        self._done.set()

    def meets(self, chunk: Chunk, awaited: set[Cut]) -> bool:
        """Return whether to cut here; ``awaited`` holds the cuts whose request has passed before."""
        if not chunk.is_request and self.point is Point.REPLY_TO:
            return self in awaited
        occurrences = chunk.occurrences(self.pattern) if self._looks_at(chunk) else 0
        self.nth -= occurrences
        if not occurrences or self.nth > 0:
            return False
        if self.point is Point.REPLY_TO:
            awaited.add(self)
        return self.point is not Point.REPLY_TO

    def _looks_at(self, chunk: Chunk) -> bool:
        return chunk.is_request is not (self.point is Point.REPLY)
