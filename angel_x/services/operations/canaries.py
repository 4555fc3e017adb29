"""Canaries: small messages through every queue, which detect a worker that takes no messages.

Such a worker is alive, answers its probe and has its connections, but its queue is not consumed.
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

#: The number of messages in a queue from which no canary is added.
_FULL_QUEUE = 200
#: The number of intervals after which a canary expires on its queue.
_LIFE = 2
#: Checks in each interval: a canary leaves at most one check late.
_LOOKS = 4


class CanaryBoard(Protocol):
    """The times of the last canary sent to and taken from each queue."""

    def release(
        self, queues: Collection[str], interval_seconds: float
    ) -> Sequence[tuple[str, datetime]]:
        """Record a canary for each queue without one in the interval; return queues and send times."""

    def hear(self, queue: str, sent_at: datetime) -> float | None:
        """Record that a worker took a canary; return its wait in seconds, None for an unknown queue."""

    def ages(self) -> Mapping[str, float]:
        """Return the seconds since a worker last took a canary, by queue; infinite if never."""


class Release(Protocol):
    """Sends a canary to a queue."""

    def __call__(self, queue: str, sent_at: datetime, *, expires_seconds: float) -> bool:
        """Return whether the message broker accepted it."""


class Canaries:
    """Sends and receives canaries.  Of several relays one sends in each interval."""

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

    def send(self) -> int:
        """Send the due canaries and return their number.  A second call in the interval sends none.

        A queue with many messages gets no canary: the age of its last one shows the delay.
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
        """Record that this process took a canary from a queue, and measure its wait.

        Raises:
            InvalidInput: No canary was ever sent to this queue.
        """
        waited = self._board.hear(queue, sent_at)
        if waited is None:
            raise InvalidInput(f"the queue must be one that canaries are sent to, was {queue}")
        self._meter.observe(Metric.QUEUE_WAIT_SECONDS, waited, queue=queue)

    def ages(self) -> Mapping[str, float]:
        """Return the seconds since a worker last took a canary, by queue; infinite if never."""
        return self._board.ages()
