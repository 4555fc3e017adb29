"""A relay that dies at each step of a sweep: the next one brings the orders home."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from angel_x.domain.orders.step import Step
from config.queues import QueueName
from config.task_names import TaskName
from tests.e2e.processes import eventually
from tests.faults.world import ORDER_QUEUES, World

pytestmark = pytest.mark.e2e

#: Messages that a relay leaves behind which dies at the step.
SWEEP: Mapping[Step, int] = {Step.SWEEP_READ: 0, Step.SWEEP_RUNG: 1, Step.SWEEP_NOTED: 1}
#: How many orders are parked by a relay that dies at the step.
PARKING: Mapping[Step, int] = {Step.PARKING_RECORDED: 0, Step.PARKING_COMMITTED: 3}
STEPS = {*SWEEP, *PARKING}


@pytest.mark.parametrize("step", SWEEP)
def test_what_a_dead_relay_held_is_rung_for_by_the_next(
    world: World, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(step.value)
    accepted = world.market.accept(user, *[world.market.request() for _ in range(3)])
    forget_messages(world)
    fault = world.fault(step, tmp_path)

    relay = world.system.relay(step.value, fault.environment)

    relay.join(120)
    assert (relay.pid, relay.exitcode) == (fault.await_victim(), -signal.SIGKILL)
    assert doorbells(world) == SWEEP[step]
    assert set(world.statuses(user).values()) == {"received"}

    successor = world.system.relay(f"{step}-successor", fault.environment)
    worker = world.system.worker(f"{step}-worker", ORDER_QUEUES)
    world.until(user, "filled")
    world.assert_filled_once(user, [order.order_id for order in accepted])
    world.system.kill(worker)
    world.system.kill(successor)


@pytest.mark.parametrize("step", PARKING)
def test_what_a_dead_relay_was_about_to_park_is_parked_by_the_next(
    world: World, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(step.value)
    accepted = world.market.accept(user, *[world.market.request() for _ in range(3)])
    forget_messages(world)
    rings = world.application.base.settings.max_rings
    hopeless = "UPDATE orders SET rings = %s, ring_at = accepted_at WHERE user_id = %s"
    world.execute(hopeless, rings, user)
    fault = world.fault(step, tmp_path)

    relay = world.system.relay(step.value, fault.environment)

    relay.join(120)
    assert (relay.pid, relay.exitcode) == (fault.await_victim(), -signal.SIGKILL)
    denied = [status for status in world.statuses(user).values() if status == "denied"]
    assert len(denied) == PARKING[step]

    successor = world.system.relay(f"{step}-successor", fault.environment)
    world.until(user, "denied")
    assert len(world.statuses(user)) == len(accepted)
    for order in accepted:
        assert world.events(order.order_id) == ["received", "denied"]
    world.market.assert_invariants()
    world.system.kill(successor)


def forget_messages(world: World) -> None:
    """Send what waits to be sent, and lose all of it."""
    world.application.base.dispatcher.close()
    world.application.base.broker.flushdb()
    eventually(lambda: not doorbells(world), "nothing is queued")


def doorbells(world: World) -> int:
    """Count the doorbells that lie in the queue of these orders, among canaries."""
    messages = world.application.base.broker.lrange(QueueName.NORMAL, 0, -1)
    return sum(TaskName.PROCESS_ORDER_BATCH.encode() in message for message in messages)
