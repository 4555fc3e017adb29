"""A worker that is alive and takes nothing is noticed, and so is none at all."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator, Mapping

import pytest

from angel_x.bootstrap import Application
from config.queues import QueueName
from tests.builders.environs import application_on
from tests.e2e.processes import Processes, eventually

#: Seconds.
INTERVAL = 0.2


@pytest.fixture
def relay(environment: dict[str, str]) -> Iterator[Application]:
    with application_on(environment, "relay", canary_interval_seconds=str(INTERVAL)) as application:
        yield application


def test_a_queue_that_a_worker_serves_is_heard_and_one_that_none_serves_is_not(
    system: Processes, relay: Application
) -> None:
    system.worker("monitor", QueueName.MONITOR)

    def heard() -> Mapping[str, float] | None:
        relay.operations.canaries.send()
        ages = relay.operations.canaries.ages()
        return ages if ages.get(QueueName.MONITOR, math.inf) < math.inf else None

    ages = eventually(heard, "the monitor worker takes a canary")
    assert set(ages) == {queue.value for queue in set(QueueName) - {QueueName.ALERTS}}
    assert {queue for queue, age in ages.items() if age < math.inf} == {QueueName.MONITOR}


def test_a_worker_that_is_stopped_is_alive_and_noticed(
    system: Processes, relay: Application
) -> None:
    worker = system.worker("monitor", QueueName.MONITOR)

    def age() -> float:
        relay.operations.canaries.send()
        return relay.operations.canaries.ages().get(QueueName.MONITOR, math.inf)

    eventually(lambda: age() < 1, "it is heard")
    os.killpg(worker.pid, signal.SIGSTOP)
    try:
        eventually(lambda: age() > 2, "it is silent")
        assert worker.poll() is None
    finally:
        os.killpg(worker.pid, signal.SIGCONT)

    eventually(lambda: age() < 1, "it is heard again")


def test_canaries_do_not_pile_up_where_nobody_takes_them(relay: Application) -> None:
    for _ in range(300):
        relay.operations.canaries._look_at = float("-inf")
        with relay.base.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE canaries SET sent_at = sent_at - interval '1 hour'")
        relay.operations.canaries.send()

    depth = int(str(relay.base.broker.llen(QueueName.MONITOR)))
    assert depth == 200
