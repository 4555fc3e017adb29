"""The proof that this worker consumes: it asks the message broker for all of its queues."""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import monotonic

import structlog
from redis import Redis
from redis.exceptions import RedisError

from angel_x.adapters.heartbeat import Heartbeat
from angel_x.adapters.redis.consumers import note_consumed

log = structlog.get_logger()

#: Seconds between two notes in the message broker, where readiness looks for them.
_NOTE_PAUSE = 5.0


class Consumption:
    """Beats while a worker asks for messages.  Everything of its loop has to work for that."""

    def __init__(
        self, heartbeat: Heartbeat, queues: Collection[str], *, noted_seconds: int
    ) -> None:
        self._heartbeat = heartbeat
        self._queues = frozenset(queues)
        self._noted_seconds = noted_seconds
        self._next_note = 0.0

    def asked(self, queues: Collection[str], broker: Callable[[], Redis]) -> None:
        """Take note that these queues were asked for; a worker that leaves one out has no heartbeat."""
        if self._queues <= set(queues):
            self._heartbeat.beat()
        now = monotonic()
        if now >= self._next_note:
            self._next_note = now + _NOTE_PAUSE
            self._note(queues, broker)

    def _note(self, queues: Collection[str], broker: Callable[[], Redis]) -> None:
        try:
            note_consumed(broker(), queues, self._noted_seconds)
        except RedisError as error:
            # A full broker takes no notes and still gives messages; a lost one shows on its connection.
            log.debug("consumption.unnoted", error=str(error))
