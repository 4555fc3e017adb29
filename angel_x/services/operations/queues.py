"""The queue monitor: depth and age of the oldest order of each queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from angel_x.domain.operations.backlog import LaneBacklog
from angel_x.domain.orders.order import Priority
from angel_x.services.ports import Publish

log = structlog.get_logger()

_EVERYBODY = 0


@dataclass(frozen=True, slots=True)
class QueueState:
    queue: str
    #: Messages; a message carries up to a batch of orders.
    depth: int
    #: Orders that wait to be decided; zero for queues that carry none.
    waiting_orders: int
    oldest_seconds: float


class QueueMonitor:
    """Compares depth and age of each queue with the limits."""

    def __init__(
        self,
        *,
        depths: Callable[[], Mapping[str, int]],
        lanes: Callable[[], Mapping[Priority, LaneBacklog]],
        publish: Publish,
        max_waiting: int,
        max_age_seconds: float,
    ) -> None:
        #: Returns the number of messages by queue.
        self._depths = depths
        #: Returns the undecided orders by lane.
        self._lanes = lanes
        self._publish = publish
        self._max_waiting = max_waiting
        self._max_age_seconds = max_age_seconds

    def read(self) -> list[QueueState]:
        """Return the state of every queue."""
        lanes = {f"orders.{p.value}": lane for p, lane in self._lanes().items()}
        nothing = LaneBacklog(0, 0.0)
        return [
            QueueState(queue, depth, lane.waiting, lane.oldest_seconds)
            for queue, depth in self._depths().items()
            for lane in [lanes.get(queue, nothing)]
        ]

    def check(self) -> list[QueueState]:
        """Return the queues over a limit, and log and publish an alert for each.

        A second call repeats the alerts while a queue is over its limit.
        """
        over = [state for state in self.read() if self._is_over(state)]
        for state in over:
            log.warning("queue.exceeded", **_shown(state))
        self._publish(
            [
                {"user_id": _EVERYBODY, "kind": "alert", "alert": "queue", **_shown(state)}
                for state in over
            ]
        )
        return over

    def _is_over(self, state: QueueState) -> bool:
        deepest = max(state.depth, state.waiting_orders)
        return deepest > self._max_waiting or state.oldest_seconds > self._max_age_seconds


def _shown(state: QueueState) -> dict[str, object]:
    return {
        "queue": state.queue,
        "depth": state.depth,
        "waiting_orders": state.waiting_orders,
        "oldest_seconds": round(state.oldest_seconds, 1),
    }
