"""Two relay processes share what is due: every order is rung for once, every canary sent once."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from angel_x.bootstrap import Application
from config.queues import QueueName
from config.task_names import TaskName
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.e2e.processes import Processes, eventually

DUE = 400


@pytest.fixture
def application(environment: dict[str, str]) -> Iterator[Application]:
    environment |= {
        # What was rung for once is not due again within the test.
        "ANGEL_X_RING_AFTER_MS": "600000",
        "ANGEL_X_RELAY_INTERVAL_MS": "10",
        # The lane has room for every doorbell.
        "ANGEL_X_ORDER_PROCESSING_WORKERS": "64",
    }
    with application_on(environment) as built:
        yield built


def messages(application: Application, task: TaskName) -> list[list[Any]]:
    """Return the arguments of the messages of a task that lie on the lane of normal orders."""
    found = [json.loads(raw) for raw in application.base.broker.lrange(QueueName.NORMAL, 0, -1)]
    return [
        json.loads(base64.b64decode(message["body"]))[0]
        for message in found
        if message["headers"]["task"] == task
    ]


def rung(application: Application) -> list[int]:
    doorbells = messages(application, TaskName.PROCESS_ORDER_BATCH)
    return sorted(int(i) for ids, *_ in doorbells for i in ids)


def test_two_relay_processes_ring_once_for_each_order(
    application: Application, system: Processes
) -> None:
    market = Market.open(application)
    user = market.account()
    accepted = market.accept(user, *[market.request() for _ in range(DUE)])
    application.base.dispatcher.close()
    application.base.broker.delete(QueueName.NORMAL)
    for name in ("relay-1", "relay-2"):
        system.start(name, "-m", "angel_x.entrypoints.cli", "relay")
    for name in ("relay-1", "relay-2"):
        system.until_logged(name, "relay.started")

    with application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET ring_at = now() - interval '1 second'")
    eventually(lambda: len(rung(application)) >= DUE, "everything is rung for")
    eventually(lambda: len(messages(application, TaskName.CANARY)) >= 1, "a canary is sent")

    assert rung(application) == [order.order_id for order in accepted]
    assert len(messages(application, TaskName.CANARY)) == 1
