from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any

import pytest
from celery import signals
from celery.app.task import Context
from celery.utils.dispatch import Signal
from opentelemetry.trace import StatusCode

from tasks.spans import TaskSpans
from tests.builders.spans import SpanMemory, trace_id

TRACE = 0xAF7651916CD43DD8448EB211C80319C
GIVEN = f"00-{TRACE:032x}-b7ad6b7169203331-01"


@pytest.fixture
def memory(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> SpanMemory:
    memory = SpanMemory()
    application = SimpleNamespace(base=SimpleNamespace(tracer=memory.tracer))
    monkeypatch.setattr(runtime, "current", lambda: application)
    return memory


def run(state: str, **headers: object) -> None:
    """Call what Celery calls around a run of a task."""
    queue = {"routing_key": "orders.normal"}
    request = Context({"id": "m-1", "delivery_info": queue, **headers})
    task: Any = SimpleNamespace(name="orders.process_batch", request=request)
    spans = TaskSpans()
    spans.begin("m-1", task, args=[["17"]])
    spans.end("m-1", state)
    spans.end("m-1", state)


def test_a_run_continues_the_trace_of_its_message(memory: SpanMemory) -> None:
    run("SUCCESS", traceparent=GIVEN)

    span = memory.named("process orders.process_batch")
    assert trace_id(span) == TRACE
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes == {
        "messaging.system": "redis",
        "messaging.message.id": "m-1",
        "messaging.destination.name": "orders.normal",
    }
    assert memory.tracer.current() is None


def test_celery_calls_it_around_each_run(
    memory: SpanMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("task_prerun", "task_postrun"):
        monkeypatch.setattr(signals, name, Signal())
    task: Any = SimpleNamespace(name="orders.match", request=Context({"traceparent": GIVEN}))
    TaskSpans().install()
    gc.collect()

    signals.task_prerun.send(sender=None, task_id="m-1", task=task)
    signals.task_postrun.send(sender=None, task_id="m-1", state="SUCCESS")

    assert memory.tree == [("process orders.match", "elsewhere")]


@pytest.mark.parametrize("headers", [{}, {"traceparent": 7}, {"traceparent": "x"}])
def test_a_message_without_a_readable_trace_begins_one(
    memory: SpanMemory, headers: dict[str, object]
) -> None:
    run("SUCCESS", **headers)

    assert memory.tree == [("process orders.process_batch", None)]


def test_a_run_that_fails_is_marked_as_failed(memory: SpanMemory) -> None:
    run("FAILURE")

    assert memory.spans[0].status.status_code is StatusCode.ERROR
