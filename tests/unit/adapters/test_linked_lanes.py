from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from angel_x.adapters.celery_message import Message, encoded, traceparent_of
from angel_x.adapters.redis.linked_lanes import LinkedLanes
from angel_x.domain.orders.order import Priority
from config.queues import QueueName
from config.task_names import TaskName
from tests.builders.spans import SpanMemory

SENDER = 0xB7AD6B7169203331
GIVEN = f"00-0af7651916cd43dd8448eb211c80319c-{SENDER:016x}-01"


class Lanes:
    """Lanes that note which doorbells were removed."""

    def __init__(self) -> None:
        self.removed: list[bytes] = []

    def waiting(self, lane: Priority) -> Sequence[bytes]:
        return []

    def discard(self, lane: Priority, doorbells: Sequence[bytes]) -> int:
        self.removed += doorbells
        return len(doorbells)


def doorbell(traceparent: str | None) -> bytes:
    args = (["1"],)
    return encoded(
        Message(TaskName.PROCESS_ORDER_BATCH, QueueName.NORMAL, args, traceparent=traceparent)
    )


def test_a_doorbell_carries_a_context_only_where_it_has_one() -> None:
    assert traceparent_of(doorbell(GIVEN)) == GIVEN
    assert traceparent_of(doorbell(None)) is None
    assert b"traceparent" not in doorbell(None)


def test_a_worker_that_removes_doorbells_is_linked_to_their_senders() -> None:
    memory, lanes = SpanMemory(), Lanes()
    made: Any = lanes
    linked = LinkedLanes(made, memory.tracer)
    doorbells = [doorbell(None), doorbell(GIVEN)]

    with memory.tracer.span("task"):
        assert linked.discard(Priority.NORMAL, doorbells) == 2
    assert linked.discard(Priority.NORMAL, doorbells) == 2

    assert memory.links("task") == {SENDER}
    assert lanes.removed == doorbells * 2
