"""The lanes of a process that traces: a worker that removes doorbells is linked to their senders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from angel_x.adapters.celery_message import traceparent_of

if TYPE_CHECKING:
    from angel_x.adapters.redis.lane_queues import LaneQueues
    from angel_x.domain.operations.span import Tracer
    from angel_x.domain.orders.order import Priority


class LinkedLanes:
    """Wraps the doorbells on the lists of the message broker."""

    def __init__(self, lanes: LaneQueues, tracer: Tracer) -> None:
        self._lanes = lanes
        self._tracer = tracer
        self.waiting = lanes.waiting

    def discard(self, lane: Priority, doorbells: Sequence[bytes]) -> int:
        """Remove doorbells, and link the current span to the traces that sent them."""
        span = self._tracer.current()
        if span is not None:
            for sender in filter(None, map(traceparent_of, doorbells)):
                span.link(sender)
        return self._lanes.discard(lane, doorbells)
