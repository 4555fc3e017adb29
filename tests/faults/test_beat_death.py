"""A Beat that dies between noting a turn and sending its message, or had a wrong clock: the next one goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from angel_x.domain.orders.step import Step
from config.queues import WORKER_QUEUES, QueueName
from tests.e2e.processes import eventually
from tests.faults.world import ORDER_QUEUES, World

pytestmark = pytest.mark.e2e

STEPS = {Step.TICK_NOTED, Step.TICK_SENT}
#: Of RedBeat.  That it runs out, and how fast the standby is then, is tested with two living Beats.
LOCK = "redbeat::lock"


@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_beat_that_dies_at_a_step_is_followed_by_the_next(
    world: World, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(step.value)
    world.market.quote(world.market.symbols[0], "100.00", "100.50")
    (order,) = world.market.accept(user, world.market.request(limit="100.30"))
    world.application.trading.execution.run([order.order_id])
    world.until(user, "working")
    world.application.base.cache.set("ax:feed:live", 1, ex=3600)
    worker = world.system.worker(f"{step}-worker", ORDER_QUEUES)
    fault = world.fault(step, tmp_path)

    beat = world.system.beat(step.value, fault.environment)

    beat.join(120)
    assert (beat.pid, beat.exitcode) == (fault.await_victim(), -signal.SIGKILL)
    assert world.application.base.broker.delete(LOCK) == 1
    # A worker that has yet to take the message of the dead Beat would do its successor's work.
    eventually(lambda: not _waiting(world), "no message waits", 120)
    assert world.statuses(user) == {order.order_id: "working"}

    successor = world.system.beat(f"{step}-successor", fault.environment)
    eventually(lambda: world.application.base.broker.exists(LOCK), "the successor beats", 120)
    world.market.quote(world.market.symbols[0], "100.00", "100.20")
    world.until(user, "filled")
    world.assert_filled_once(user, [order.order_id])
    for process in (worker, successor):
        world.system.kill(process)
    world.application.base.broker.delete(LOCK)


def test_a_beat_follows_one_whose_clock_was_an_hour_ahead(world: World) -> None:
    broker, schedule = world.application.base.broker, world.application.operations.schedule
    world.application.base.cache.set("ax:feed:live", 1, ex=3600)
    ahead = world.system.start("ahead", "tests.faults.beat_ahead")
    eventually(lambda: broker.llen(QueueName.MATCHING), "it sends by its clock", 120)
    assert [turn for turn in schedule.late() if turn.name == "orders-match"]
    assert ahead.pid is not None
    os.kill(ahead.pid, signal.SIGTERM)
    ahead.join(120)
    broker.delete(QueueName.MATCHING)

    right = world.system.beat("right", {})

    # Not after an hour.
    eventually(lambda: broker.llen(QueueName.MATCHING), "it sends by the right clock", 60)
    assert schedule.late() == []
    assert "beat.rebased" in world.system.log("right")
    world.system.kill(right)
    broker.delete(LOCK)


def _waiting(world: World) -> int:
    """Count the messages that no worker has taken, or not finished."""
    broker = world.application.base.broker
    lengths = [broker.llen(queue) for queue in WORKER_QUEUES["orders"]]
    return sum(lengths) + broker.hlen("unacked")
