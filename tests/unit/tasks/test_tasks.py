"""Each task asks one thing of the application, and takes no arguments but its own."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Ignore, Reject
from structlog.testing import capture_logs

from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Priority
from angel_x.errors import InvalidInput
from config.task_names import TaskName
from tests.builders.recorders import RecordingMeter
from tests.unit.tasks.conftest import Calls

AT = datetime(2026, 8, 19, 7, tzinfo=UTC)
IDS = ["7", "9"]
#: What is asked where no queue is known: the lane of messages that name none.
ANSWERED = ("trading.doorbells.answer", [7, 9], Priority.NORMAL, False)


@pytest.mark.parametrize(
    ("name", "args", "asked"),
    [
        (TaskName.PROCESS_ORDER_BATCH, (IDS,), [ANSWERED]),
        (TaskName.PROCESS_ORDER_BATCH, (IDS, False), [ANSWERED]),
        (TaskName.PROCESS_ORDER_BATCH, (IDS, True), [("trading.execution.run_exactly", [7, 9])]),
        (TaskName.MATCH_ORDERS, (), [("orders.follow_twins",), ("trading.matching.run",)]),
        (TaskName.ADVANCE_WORKFLOW, ("5",), [("workflows.advance.run", 5)]),
        (TaskName.CANCEL_ALL, (), [("controls.enforcement.run",)]),
        (TaskName.CLOSE_INTRADAY, (), [("workflows.intraday_close.run",)]),
        (TaskName.CLOSE_DELIVERIES, (), [("workflows.delivery_close.run",)]),
        (TaskName.EXPIRE_ORDERS, (), [("trading.expiry.run",)]),
        (TaskName.REFRESH_GREEKS, (), [("analytics.greeks.refresh",)]),
        (
            TaskName.COMPUTE_GREEKS_CHUNK,
            ("v", 0, 512, AT.isoformat()),
            [("analytics.greeks.compute_chunk", "v", 0, 512, AT)],
        ),
        (TaskName.MARK_MARGIN, (), [("margin_marking.run_if_due",)]),
        (TaskName.UPDATE_PORTFOLIOS, (IDS,), [("analytics.portfolios.update", [7, 9])]),
        (TaskName.REFRESH_PORTFOLIOS, (), [("analytics.portfolios.refresh",)]),
        (TaskName.SETTLE_EXPIRIES, (), [("trading.settlement.run",)]),
        (TaskName.SNAPSHOT_PORTFOLIOS, (), [("analytics.portfolios.snapshot",)]),
        (TaskName.SNAPSHOT_GREEKS, (), [("analytics.greeks_archive.snapshot",)]),
        (TaskName.CHECK_QUEUES, (), [("operations.queues.check",)]),
        (
            TaskName.CANARY,
            ("orders.high", AT.isoformat()),
            [("operations.canaries.hear", "orders.high", AT)],
        ),
        (
            TaskName.RECONCILE_BROKER,
            (),
            [("trading.reconciler.run_if_live",), ("trading.margin_comparison.run_if_live",)],
        ),
        (
            TaskName.MAINTAIN_PARTITIONS,
            (),
            [
                ("operations.partitions.maintain",),
                ("analytics.greeks_archive.forget",),
                ("analytics.minute_sampling.forget",),
            ],
        ),
        (TaskName.SAMPLE_MINUTE, (), [("analytics.minute_sampling.run",)]),
        (TaskName.WRITE_REVIEWS, (), [("operations.reviews.write_due",)]),
        (
            TaskName.ENFORCE_RETENTION,
            (),
            [("operations.closed_positions.move",), ("operations.retention.enforce",)],
        ),
        (TaskName.PROVE_INVARIANTS, (), [("operations.proofs.advance",)]),
        (
            TaskName.COLLECT_ALERTS,
            (),
            [("alerts.collector.collect",), ("alerts.sender.send_due",)],
        ),
        (TaskName.SEND_ALERTS, (), [("alerts.sender.send_due",)]),
    ],
)
def test_a_task_asks_for_what_its_name_says(
    tasks_app: Celery,
    calls: Calls,
    name: TaskName,
    args: tuple[object, ...],
    asked: list[tuple[object, ...]],
) -> None:
    tasks_app.tasks[name](*args)

    assert calls.made == asked


def test_there_is_a_task_for_every_name(tasks_app: Celery) -> None:
    ours = {name for name in tasks_app.tasks if not name.startswith("celery.")}

    assert ours == set(TaskName)


def test_every_message_stays_until_its_task_has_ended(tasks_app: Celery) -> None:
    for name in TaskName:
        task = tasks_app.tasks[name]
        assert (task.acks_late, task.reject_on_worker_lost) == (True, True), name
        assert (task.ignore_result, task.store_errors_even_if_ignored) == (True, False), name
        # Only a submission is known to nobody else.
        assert task.acks_on_timeout is (name is not TaskName.SUBMIT_ORDERS), name


def test_memory_is_asked_of_every_worker(
    tasks_app: Celery, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []
    answers = [{"a@x": {"n/a": [1, 2_000]}}, {"b@x": {"n/b": [3, 4_000], "n/b-1": [5, 6_000]}}]

    def broadcast(command: str, *, reply: bool, timeout: float) -> list[dict[str, Any]]:
        asked.append((command, reply, timeout))
        return answers

    monkeypatch.setattr(tasks_app.control, "broadcast", broadcast)

    tasks_app.tasks[TaskName.CHECK_MEMORY]()

    seen = {"n/a": (1, 2_000), "n/b": (3, 4_000), "n/b-1": (5, 6_000)}
    assert asked == [("memory_report", True, 2.0)]
    assert calls.made == [("operations.memory.observe", seen), ("operations.memory.prune",)]


def test_where_no_worker_answers_there_is_no_memory_to_look_at(
    tasks_app: Celery, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_app.control, "broadcast", lambda *_, **__: None)

    tasks_app.tasks[TaskName.CHECK_MEMORY]()

    assert calls.made == [("operations.memory.observe", {}), ("operations.memory.prune",)]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        (TaskName.PROCESS_ORDER_BATCH, ()),
        (TaskName.PROCESS_ORDER_BATCH, (["0"],)),
        (TaskName.PROCESS_ORDER_BATCH, (["-1"],)),
        (TaskName.PROCESS_ORDER_BATCH, ([str(2**63)],)),
        (TaskName.PROCESS_ORDER_BATCH, (["1"] * 1001,)),
        (TaskName.PROCESS_ORDER_BATCH, (IDS, "surely")),
        (TaskName.PROCESS_ORDER_BATCH, (IDS, True, 7)),
        (TaskName.ADVANCE_WORKFLOW, (0,)),
        (TaskName.ADVANCE_WORKFLOW, (2**63,)),
        (TaskName.SUBMIT_ORDERS, ("order",)),
        (TaskName.COMPUTE_GREEKS_CHUNK, ("v", 0, 1, "yesterday")),
        (TaskName.CHECK_QUEUES, (1,)),
    ],
)
def test_a_message_that_does_not_fit_is_dropped_and_asks_for_nothing(
    tasks_app: Celery,
    calls: Calls,
    meter: RecordingMeter,
    name: TaskName,
    args: tuple[object, ...],
) -> None:
    with capture_logs() as logs, pytest.raises(Ignore, match="the arguments do not fit"):
        tasks_app.tasks[name](*args)

    assert calls.made == []
    assert meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": "arguments"})]
    (entry,) = logs
    assert (entry["event"], entry["reason"], entry["task"]) == (
        "message.dropped",
        "arguments",
        name,
    )


@pytest.mark.parametrize("ids", [["1"] * 1000, [str(2**63 - 1)], []])
def test_a_doorbell_may_carry_a_thousand_ids(
    tasks_app: Celery, calls: Calls, ids: list[str]
) -> None:
    tasks_app.tasks[TaskName.PROCESS_ORDER_BATCH](ids)

    order_ids = [int(order_id) for order_id in ids]
    assert calls.made == [("trading.doorbells.answer", order_ids, Priority.NORMAL, False)]


@pytest.mark.parametrize(
    ("headers", "stands_for_lane"),
    [({}, False), ({"stands_for_lane": False}, False), ({"stands_for_lane": True}, True)],
)
@pytest.mark.parametrize("lane", Priority)
def test_a_doorbell_is_answered_in_the_lane_of_its_queue(
    tasks_app: Celery,
    calls: Calls,
    lane: Priority,
    headers: dict[str, bool],
    *,
    stands_for_lane: bool,
) -> None:
    task = tasks_app.tasks[TaskName.PROCESS_ORDER_BATCH]
    task.push_request(delivery_info={"routing_key": f"orders.{lane}"}, **headers)
    try:
        # The body of the task: a call from outside would put a request of its own on top.
        task.run([7, 9])
    finally:
        task.pop_request()

    assert calls.made == [("trading.doorbells.answer", [7, 9], lane, stands_for_lane)]


def test_what_the_task_itself_finds_wrong_with_its_input_is_dropped_too(
    tasks_app: Celery, runtime: Any, meter: RecordingMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise InvalidInput("no such thing")

    monkeypatch.setattr(runtime, "current", refuse)

    with pytest.raises(Ignore, match="no such thing"):
        tasks_app.tasks[TaskName.MATCH_ORDERS]()

    assert meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": "arguments"})]


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (None, "succeeded"),
        (InvalidInput("no such thing"), "dropped"),
        (Reject("a server is away", requeue=True), "returned"),
        (ValueError("broken"), "failed"),
    ],
    ids=["nothing", "input", "away", "error"],
)
def test_each_run_is_timed_by_its_task_and_its_end(
    tasks_app: Celery,
    runtime: Any,
    meter: RecordingMeter,
    monkeypatch: pytest.MonkeyPatch,
    calls: Calls,
    raised: Exception | None,
    outcome: str,
) -> None:
    def current() -> Calls:
        if raised:
            raise raised
        return calls

    monkeypatch.setattr(runtime, "current", current)

    with suppress(Ignore, Reject, ValueError):
        tasks_app.tasks[TaskName.MATCH_ORDERS]()

    [(metric, seconds)] = meter.observed
    assert metric is Metric.TASK_RUNTIME_SECONDS
    assert 0 <= seconds < 60
    assert meter.observed_labels == [{"task": TaskName.MATCH_ORDERS, "outcome": outcome}]


def test_an_error_of_a_task_is_logged_with_its_traceback_and_its_message(
    tasks_app: Celery,
) -> None:
    error = ZeroDivisionError("poison")

    with capture_logs() as logs:
        tasks_app.tasks[TaskName.MATCH_ORDERS].on_failure(error, "m1", (), {}, None)

    (entry,) = logs
    assert entry == {
        "event": "task.failed",
        "log_level": "error",
        "task": TaskName.MATCH_ORDERS,
        "message_id": "m1",
        "exc_info": error,
    }
