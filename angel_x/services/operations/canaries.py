"""Canaries: small messages through every queue, so that a worker that takes nothing is noticed.

Such a worker is alive, answers its probe and has its connections; only its queue stands still.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from angel_x.domain.operations.metric import Metric
from angel_x.errors import InvalidInput
from angel_x.services.ports import Meter

log = structlog.get_logger()

#: Messages in a queue above which another one would only add to the pile.
_FULL_QUEUE = 200
#: Intervals after which a canary is no news and is dropped untaken.
_LIFE = 2
#: Looks within an interval: so much later than due a canary may leave.
_LOOKS = 4


class CanaryBoard(Protocol):
    """Where it is noted when each queue was last heard from."""

    def release(
        self, queues: Collection[str], interval_seconds: float
    ) -> Sequence[tuple[str, datetime]]:
        """Note a canary on each queue that has had none for the interval; return those."""

    def hear(self, queue: str, sent_at: datetime) -> float | None:
        """Note that a worker has taken one; return the seconds it waited, None if none was sent."""

    def ages(self) -> Mapping[str, float]:
        """Return the seconds since each queue was last heard from; infinite if it never was."""


class Release(Protocol):
    """Puts a canary on a queue."""

    def __call__(self, queue: str, sent_at: datetime, *, expires_seconds: float) -> bool:
        """Return whether the message broker took it."""


class Canaries:
    """Sends canaries and hears of them.  However many relays there are, one sends."""

    def __init__(
        self,
        *,
        board: CanaryBoard,
        release: Release,
        depths: Callable[[], Mapping[str, int]],
        meter: Meter,
        monotonic: Callable[[], float],
        interval_seconds: float,
    ) -> None:
        self._board = board
        self._release = release
        self._depths = depths
        self._meter = meter
        self._monotonic = monotonic
        self._interval = interval_seconds
        self._look_at = float("-inf")

    def sing(self) -> int:
        """Send what is due and return how many.  A second call in the interval sends none.

        A queue in which messages pile up gets no more of them: its age says enough.
        """
        now = self._monotonic()
        if now < self._look_at:
            return 0
        self._look_at = now + self._interval / _LOOKS
        open_queues = [queue for queue, depth in self._depths().items() if depth < _FULL_QUEUE]
        due = self._board.release(open_queues, self._interval)
        life = _LIFE * self._interval
        return sum(self._release(queue, at, expires_seconds=life) for queue, at in due)

    def hear(self, queue: str, sent_at: datetime) -> None:
        """Note that this process takes what lies on a queue.

        Raises:
            InvalidInput: No canary was ever sent there.
        """
        waited = self._board.hear(queue, sent_at)
        if waited is None:
            raise InvalidInput(f"the queue must be one that canaries are sent to, was {queue}")
        self._meter.observe(Metric.QUEUE_WAIT_SECONDS, waited, queue=queue)

    def ages(self) -> Mapping[str, float]:
        """Return the seconds since each queue was last heard from; infinite if it never was."""
        return self._board.ages()
