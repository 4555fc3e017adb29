from __future__ import annotations

import pytest

from angel_x.domain.orders.step import Step
from tests.builders.order_worker import Away, Worker
from tests.builders.spans import SpanMemory

PARTS = ["claim", "decide", "record", "commit", "tell"]


@pytest.fixture
def memory() -> SpanMemory:
    return SpanMemory()


@pytest.fixture
def worker(memory: SpanMemory) -> Worker:
    worker = Worker(tracer=memory.tracer)
    worker.tables.account()
    return worker


def test_a_batch_is_one_trace_with_a_span_for_each_part(worker: Worker, memory: SpanMemory) -> None:
    orders = [worker.tables.order(), worker.tables.order()]

    with memory.tracer.span("task"):
        worker.execution.run([order.id for order in orders])

    assert memory.tree == [
        *((part, "transaction") for part in PARTS),
        ("transaction", "task"),
        ("task", None),
    ]
    claimed = memory.named("claim").attributes
    assert claimed == {
        "angel_x.orders": 2,
        "angel_x.order_ids": tuple(str(order.id) for order in orders),
    }
    assert memory.named("record").attributes == {"angel_x.orders": 2}


def test_a_batch_names_fifty_orders_and_counts_all(worker: Worker, memory: SpanMemory) -> None:
    ids = [worker.tables.order().id for _ in range(51)]

    worker.execution.run(ids)

    claimed = memory.named("claim").attributes or {}
    assert claimed["angel_x.orders"] == 51
    assert claimed["angel_x.order_ids"] == tuple(map(str, ids[:50]))


def test_no_span_says_more_of_an_order_than_its_id(worker: Worker, memory: SpanMemory) -> None:
    order = worker.tables.order()

    worker.execution.run([order.id])

    names = {name for span in memory.spans for name in span.attributes or {}}
    assert names == {"angel_x.actor", "angel_x.order_ids", "angel_x.orders"}
    assert order.symbol not in memory.attributes


def test_a_doorbell_for_decided_orders_claims_and_decides_nothing(
    worker: Worker, memory: SpanMemory
) -> None:
    order = worker.tables.order()
    worker.execution.run([order.id])
    memory.exporter.clear()

    worker.execution.run([order.id])

    assert [name for name, _ in memory.tree] == ["claim", "decide", "transaction"]


def test_a_transaction_without_a_server_is_marked_as_failed(
    worker: Worker, memory: SpanMemory
) -> None:
    order = worker.tables.order()

    def fail() -> None:
        raise Away

    worker.at_steps[Step.BATCH_CLAIMED] = fail
    with pytest.raises(Away):
        worker.execution.run([order.id])

    assert memory.named("transaction").status.description == "Away"
    assert [name for name, _ in memory.tree] == ["claim", "transaction"]
