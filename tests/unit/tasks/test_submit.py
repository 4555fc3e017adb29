"""The task ``orders.submit``: its message is all there is of the order until it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from psycopg2.errors import AdminShutdown, QueryCanceled
from redis.exceptions import ConnectionError as CacheAway
from sqlalchemy.exc import OperationalError

from angel_x.domain.operations.metric import Metric
from angel_x.services.intake.replies import Replies
from config.task_names import TaskName
from tests.builders.reception import CALL, LOT, Reception
from tests.builders.recorders import RecordingMeter
from tests.fakes.refusals import MemoryResults

ORDER = {"client_order_id": "a", "symbol": CALL, "side": "BUY", "quantity": LOT}


@dataclass
class Worker:
    """A worker's process that runs the task on fakes."""

    app: Celery
    reception: Reception = field(default_factory=Reception)
    #: Seconds that the task has waited.
    waited: list[float] = field(default_factory=list)
    results: MemoryResults = field(default_factory=MemoryResults)
    intake: SimpleNamespace = field(default_factory=SimpleNamespace)

    @property
    def task(self) -> Any:
        return self.app.tasks[TaskName.SUBMIT_ORDERS]

    def run(self, *args: object, redelivered: bool | None = None, **headers: object) -> None:
        """Run the task for a message as the message broker delivers it."""
        told = {} if redelivered is None else {"redelivered": redelivered}
        with self.message(told, **headers):
            self.task(*args)

    @contextmanager
    def message(self, delivery_info: Mapping[str, object], **headers: object) -> Iterator[None]:
        self.task.push_request(id="m1", delivery_info=delivery_info, **headers)
        try:
            yield
        finally:
            self.task.request_stack.pop()


@pytest.fixture
def worker(
    tasks_app: Celery, runtime: Any, meter: RecordingMeter, monkeypatch: pytest.MonkeyPatch
) -> Worker:
    worker = Worker(tasks_app)
    replies = Replies(worker.results.put, unreachable=(CacheAway,), monotonic=lambda: 0.0)
    worker.intake = SimpleNamespace(messaging=worker.reception.messaging, replies=replies)
    application = SimpleNamespace(intake=worker.intake)
    monkeypatch.setattr(runtime, "current", lambda: application)
    monkeypatch.setattr("tasks.orders.sleep", worker.waited.append)
    worker.reception.open("desk")
    return worker


AWAY: list[Callable[[], Exception]] = [
    lambda: OperationalError("INSERT", {}, AdminShutdown()),
    lambda: OperationalError("INSERT", {}, QueryCanceled()),
    lambda: CacheAway("nobody answers"),
    SoftTimeLimitExceeded,
]


@pytest.mark.parametrize("redelivered", [None, False, True])
@pytest.mark.parametrize("error", AWAY)
def test_a_submission_goes_back_to_its_queue_while_a_server_is_away(
    worker: Worker, error: Callable[[], Exception], *, redelivered: bool | None
) -> None:
    worker.reception.fail_storing(error)

    with pytest.raises(Reject) as caught:
        worker.run(ORDER, "desk", redelivered=redelivered)

    assert caught.value.requeue is True
    assert worker.waited == [1.0]
    assert worker.reception.refusals.refusals == {}


def test_a_submission_whose_process_is_killed_stays_on_the_message_broker(worker: Worker) -> None:
    assert worker.task.acks_late is True
    assert worker.task.reject_on_worker_lost is True
    assert worker.task.acks_on_timeout is False


@pytest.mark.parametrize("redelivered", [None, False])
def test_a_first_delivery_counts_as_no_redelivery(
    worker: Worker, *, redelivered: bool | None
) -> None:
    worker.run(ORDER, "desk", redelivered=redelivered)

    assert worker.reception.stored == {(1, "a"): 1}
    assert worker.reception.redeliveries.attempts == {}
    assert worker.waited == []


def test_a_redelivery_is_counted_under_the_id_of_its_message(worker: Worker) -> None:
    worker.run(ORDER, "desk", redelivered=True)

    assert worker.reception.stored == {(1, "a"): 1}
    assert worker.reception.redeliveries.attempts == {"m1": 1}


@pytest.mark.parametrize("redelivered", [False, True])
@pytest.mark.parametrize("args", [(ORDER,), (ORDER, "stranger")])
def test_a_message_of_no_known_account_is_dropped(
    worker: Worker, meter: RecordingMeter, args: tuple[object, ...], *, redelivered: bool
) -> None:
    with pytest.raises(Ignore):
        worker.run(*args, redelivered=redelivered)

    assert worker.reception.stored == {}
    assert meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": "arguments"})]


def test_a_refused_order_is_done_with(worker: Worker, meter: RecordingMeter) -> None:
    worker.run(ORDER | {"quantity": 66}, "desk")

    assert list(worker.reception.refusals.refusals) == [(1, "a")]
    assert worker.reception.stored == {}
    assert meter.added == []


def test_an_error_of_our_own_does_not_come_back(worker: Worker) -> None:
    worker.reception.fail_storing(ZeroDivisionError)

    with pytest.raises(ZeroDivisionError):
        worker.run(ORDER, "desk")

    assert worker.task.acks_on_failure is True


#: What a message says that asks for a result.
ASKED = {"ignore_result": False}
RECEIPTS = {"orders": [{"order_id": "1", "client_order_id": "a", "status": "received"}]}


@pytest.mark.parametrize("redelivered", [False, True])
def test_a_sender_that_asks_gets_the_receipts(worker: Worker, *, redelivered: bool) -> None:
    worker.run(ORDER, "desk", redelivered=redelivered, **ASKED)

    assert worker.results.results == {"m1": RECEIPTS}


def test_the_same_message_again_gets_the_same_receipts(worker: Worker) -> None:
    worker.run(ORDER, "desk", **ASKED)
    worker.results.results.clear()

    worker.run(ORDER, "desk", redelivered=True, **ASKED)

    assert worker.results.results == {"m1": RECEIPTS}
    assert worker.reception.stored == {(1, "a"): 1}


def test_a_sender_that_asks_gets_the_problem(worker: Worker) -> None:
    worker.run(ORDER | {"quantity": 66}, "desk", **ASKED)

    assert worker.results.results == {
        "m1": {
            "type": "urn:angel-x:invalid-order",
            "title": "Invalid order",
            "status": 422,
            "detail": "orders[0].quantity must be a multiple of the lot size 65",
            "errors": [
                {
                    "index": 0,
                    "field": "quantity",
                    "value": "66",
                    "detail": "must be a multiple of the lot size 65",
                }
            ],
        }
    }
    assert list(worker.reception.refusals.refusals) == [(1, "a")]


@pytest.mark.parametrize("headers", [{}, {"ignore_result": True}, {"ignore_result": None}])
@pytest.mark.parametrize("order", [ORDER, ORDER | {"quantity": 66}])
def test_a_sender_that_does_not_ask_costs_no_result(
    worker: Worker, order: dict[str, object], headers: dict[str, Any]
) -> None:
    worker.run(order, "desk", **headers)

    assert worker.results.calls == 0


def test_without_a_place_for_results_a_sender_that_asks_gets_none(worker: Worker) -> None:
    worker.intake.replies = None

    worker.run(ORDER, "desk", **ASKED)

    assert worker.reception.stored == {(1, "a"): 1}
    assert worker.results.calls == 0


@pytest.mark.parametrize("args", [(ORDER, "stranger"), (7, "desk"), ()])
def test_a_sender_that_asks_is_told_why_its_message_was_dropped(
    worker: Worker, meter: RecordingMeter, args: tuple[object, ...]
) -> None:
    with pytest.raises(Ignore) as caught:
        worker.run(*args, **ASKED)

    problem: Any = worker.results.results["m1"]
    assert (problem["status"], problem["detail"]) == (400, str(caught.value))
    assert meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": "arguments"})]


def test_a_submission_that_goes_back_has_no_result_yet(worker: Worker) -> None:
    worker.reception.fail_storing(AWAY[0])

    with pytest.raises(Reject):
        worker.run(ORDER, "desk", **ASKED)

    assert worker.results.calls == 0


@pytest.mark.parametrize(("headers", "replies"), [(ASKED, 1), ({}, 0)])
def test_a_sender_that_asks_is_told_of_a_failure_of_our_own(
    worker: Worker, headers: dict[str, object], replies: int
) -> None:
    with worker.message({}, **headers):
        worker.task.on_failure(ZeroDivisionError(), "m1", (), {}, None)

    assert [r["status"] for r in map(as_problem, worker.results.results.values())] == [
        500
    ] * replies


def as_problem(result: object) -> dict[str, object]:
    assert isinstance(result, dict)
    return result


def test_a_result_that_cannot_be_written_loses_no_order(worker: Worker) -> None:
    worker.results.failure = CacheAway("nobody answers")

    worker.run(ORDER, "desk", **ASKED)

    assert worker.reception.stored == {(1, "a"): 1}
    assert worker.results.results == {}
