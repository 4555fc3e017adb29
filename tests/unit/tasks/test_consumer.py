"""A message that makes no sense is counted, taken off its queue, and ends no worker."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from celery import Celery
from celery.worker.consumer import Consumer as CeleryConsumer
from structlog.testing import capture_logs

from angel_x.domain.operations.metric import Metric
from tests.builders.recorders import RecordingMeter


@dataclass
class Incoming:
    """A message as kombu hands it over, and whether it was rejected."""

    headers: Mapping[str, object] | None = field(default_factory=lambda: {"task": "t", "id": "m1"})
    acknowledged: bool = False
    rejected: list[object] = field(default_factory=list)

    def reject_log_error(self, _log: object, errors: object) -> None:
        self.rejected.append(errors)


@pytest.fixture
def consumer(tasks_app: Celery, meter: RecordingMeter) -> Any:
    """A consumer without a connection."""
    made = object.__new__(importlib.import_module("tasks.consumer").Consumer)
    made.connection_errors = (OSError,)
    return made


class Line:
    """A connection that notes how it is asked to connect."""

    def __init__(self) -> None:
        self.options: dict[str, float] = {}

    def ensure_connection(self, *_: object, callback: object = None, **options: float) -> Line:
        self.options = options
        return self


def test_a_worker_looks_for_its_broker_every_second_however_long_it_is_away(
    consumer: Any, tasks_app: Celery
) -> None:
    consumer.app, line = tasks_app, Line()

    assert consumer.ensure_connected(line) is line

    assert line.options["interval_start"] + line.options["interval_max"] <= 1.2


@pytest.mark.parametrize(
    ("notice", "reason"),
    [
        (lambda c, m: c.on_unknown_task({}, m, KeyError("t")), "unknown_task"),
        (lambda c, m: c.on_unknown_message({}, m), "malformed"),
        (lambda c, m: c.on_invalid_task({}, m, ValueError("no")), "malformed"),
        (lambda c, m: c.on_decode_error(m, ValueError("no")), "malformed"),
    ],
)
def test_a_message_that_nobody_can_run_is_taken_off_its_queue(
    consumer: Any,
    meter: RecordingMeter,
    notice: Callable[[Any, Incoming], None],
    reason: str,
) -> None:
    message, settled = Incoming(), Incoming(headers=None, acknowledged=True)

    with capture_logs() as logs:
        notice(consumer, message)
        notice(consumer, settled)

    assert (message.rejected, settled.rejected) == ([(OSError,)], [])
    assert meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": reason})] * 2
    assert [(entry["task"], entry["message_id"]) for entry in logs] == [("t", "m1"), (None, None)]


@pytest.mark.parametrize("error", [KeyError("id"), TypeError(), ValueError(), OverflowError()])
def test_a_message_that_cannot_be_read_ends_no_worker(
    consumer: Any, meter: RecordingMeter, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    message = Incoming()
    _let_handling_raise(monkeypatch, error)

    consumer.create_task_handler()(message)

    assert message.rejected == [(OSError,)]
    assert meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": "malformed"})]


def test_a_broken_connection_is_no_fault_of_the_message(
    consumer: Any, meter: RecordingMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = Incoming()
    _let_handling_raise(monkeypatch, ConnectionError("gone"))

    with pytest.raises(ConnectionError):
        consumer.create_task_handler()(message)

    assert (message.rejected, meter.added) == ([], [])


def _let_handling_raise(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def handle(_message: object) -> None:
        raise error

    monkeypatch.setattr(CeleryConsumer, "create_task_handler", lambda *_, **__: handle)


def test_what_is_logged_of_a_dropped_message_is_short(
    tasks_app: Celery, meter: RecordingMeter
) -> None:
    drops = importlib.import_module("tasks.drops")

    with capture_logs() as logs:
        drops.drop(drops.Dropped.UNREADABLE, detail="d" * 900, task="t" * 900, message_id=7)

    (entry,) = logs
    assert (entry["detail"], entry["task"], entry["message_id"]) == ("d" * 200, "t" * 200, "7")


@dataclass
class Hub:
    """An event loop that keeps what it is asked to call."""

    calls: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self.calls.append((seconds, call))


@dataclass
class Events:
    """The sender of task events, before it is told anything."""

    buffer_limit: int = 24


def test_task_events_are_gathered_and_sent_together(
    consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([10.0, 10.2, 10.49, 10.5])
    monkeypatch.setattr(importlib.import_module("tasks.consumer"), "monotonic", lambda: next(times))
    consumer.hub, consumer.event_dispatcher = Hub(), Events()

    for _ in range(4):
        consumer.on_send_event_buffered()

    assert consumer.hub.calls == [(0.5, consumer._flush_events)] * 2
    # Three hundred tasks' events fit.
    assert consumer.event_dispatcher.buffer_limit == 1000
