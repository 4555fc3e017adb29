"""The wire contract: names of queues and tasks, and which worker takes what."""

from __future__ import annotations

import pytest

from angel_x.domain.orders.order import Priority
from config.queues import WORKER_QUEUES, QueueName
from config.task_names import ROUTES, TaskName

#: Which queue the messages of a task wait on.
TASKS = """
    orders.submit               celery
    orders.process_batch        orders.normal
    orders.match                orders.matching
    orders.expire               orders.high
    orders.advance              orders.high
    orders.cancel_all           orders.emergency
    orders.close_intraday       orders.emergency
    orders.close_deliveries     orders.emergency
    greeks.refresh              greeks
    greeks.compute_chunk        greeks
    greeks.snapshot             portfolio
    portfolio.settle            portfolio
    margin.mark                 margin
    portfolio.update            portfolio
    portfolio.refresh           portfolio
    portfolio.snapshot          portfolio
    monitor.check_memory        monitor
    monitor.check_queues        monitor
    monitor.maintain_partitions monitor
    monitor.enforce_retention   monitor
    monitor.write_reviews       monitor
    monitor.prove_invariants    monitor
    monitor.reconcile_broker    monitor
    monitor.sample_minute       monitor
    monitor.canary              monitor
    alerts.collect              alerts
    alerts.send                 alerts
"""


def test_the_queues_have_their_fixed_names() -> None:
    names = (
        "orders.emergency orders.high orders.normal orders.low celery orders.matching greeks "
        "margin portfolio monitor alerts"
    )

    assert [queue.value for queue in QueueName] == names.split()


def test_every_task_has_its_fixed_name_and_queue() -> None:
    assert [[t.value, ROUTES[t].value] for t in TaskName] == [
        line.split() for line in TASKS.strip().splitlines()
    ]
    assert list(ROUTES) == list(TaskName)


@pytest.mark.parametrize(
    ("worker", "queues"),
    [
        ("emergency", "orders.emergency"),
        ("orders", "orders.emergency celery orders.high orders.normal orders.low"),
        ("matching", "orders.matching"),
        ("greeks", "greeks"),
        ("portfolio", "margin portfolio"),
        ("monitor", "monitor"),
        ("alerts", "alerts"),
    ],
)
def test_a_worker_takes_its_queues_in_their_strict_order(worker: str, queues: str) -> None:
    assert [queue.value for queue in WORKER_QUEUES[worker]] == queues.split()


def test_every_queue_has_a_worker() -> None:
    workers = ["emergency", "orders", "matching", "greeks", "portfolio", "monitor", "alerts"]
    assert list(WORKER_QUEUES) == workers
    assert {queue for queues in WORKER_QUEUES.values() for queue in queues} == set(QueueName)


def test_lanes_are_ordered_from_the_most_urgent_on() -> None:
    assert [lane.value for lane in Priority] == ["emergency", "high", "normal", "low"]
    assert [f"orders.{lane.value}" for lane in Priority] == [q.value for q in list(QueueName)[:4]]
