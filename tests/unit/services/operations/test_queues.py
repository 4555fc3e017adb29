from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from angel_x.domain.operations.backlog import LaneBacklog
from angel_x.domain.orders.order import Priority
from angel_x.services.operations.queues import QueueMonitor
from tests.builders.recorders import RecordingEvents


@dataclass
class Queues:
    depths: dict[str, int] = field(
        default_factory=lambda: {"orders.high": 0, "orders.low": 0, "greeks": 0}
    )
    backlog: dict[Priority, LaneBacklog] = field(default_factory=dict)

    def read(self) -> dict[str, int]:
        return self.depths

    def lanes(self) -> dict[Priority, LaneBacklog]:
        return self.backlog


@pytest.fixture
def queues() -> Queues:
    return Queues()


@pytest.fixture
def events() -> RecordingEvents:
    return RecordingEvents()


@pytest.fixture
def monitor(queues: Queues, events: RecordingEvents) -> QueueMonitor:
    return QueueMonitor(
        depths=queues.read,
        lanes=queues.lanes,
        publish=events.publish,
        max_waiting=100,
        max_age_seconds=10,
    )


def test_queues_within_their_limits_raise_nothing(
    monitor: QueueMonitor, queues: Queues, events: RecordingEvents
) -> None:
    queues.depths["orders.high"] = 100
    queues.backlog[Priority.LOW] = LaneBacklog(100, 10.0)

    assert monitor.check() == []
    assert events.published == []


def test_a_deep_queue_raises_an_alert_of_its_own(
    monitor: QueueMonitor, queues: Queues, events: RecordingEvents
) -> None:
    queues.depths["greeks"] = 101

    assert [state.queue for state in monitor.check()] == ["greeks"]
    assert [(e["kind"], e["alert"], e["queue"]) for e in events.published] == [
        ("alert", "queue", "greeks")
    ]


def test_orders_that_wait_count_even_where_their_messages_are_lost(
    monitor: QueueMonitor, queues: Queues
) -> None:
    queues.backlog[Priority.HIGH] = LaneBacklog(101, 1.0)

    (state,) = monitor.check()

    assert (state.queue, state.depth, state.waiting_orders) == ("orders.high", 0, 101)


def test_an_old_order_raises_an_alert(monitor: QueueMonitor, queues: Queues) -> None:
    queues.backlog[Priority.LOW] = LaneBacklog(1, 10.5)

    assert [state.queue for state in monitor.check()] == ["orders.low"]
