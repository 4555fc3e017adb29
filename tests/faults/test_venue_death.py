"""A worker that dies between sending orders to a slow venue and recording what it answered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from angel_x.domain.orders.step import Step
from tests.e2e.processes import eventually
from tests.faults.nursery import is_gone
from tests.faults.world import ORDER_QUEUES, World

pytestmark = pytest.mark.e2e

#: Settings of workers whose venue takes its time and whose orders come free soon.
SLOW = {"ANGEL_X_PAPER_LATENCY_MS": "20", "ANGEL_X_ORDER_LEASE_SECONDS": "0.5"}
#: The attempt that is answered if a worker dies at the step.
ATTEMPTS: Mapping[Step, int] = {
    Step.VENUE_ANSWERED: 2,
    Step.SETTLEMENT_RECORDED: 2,
    Step.SETTLEMENT_COMMITTED: 1,
}
#: The same, if the worker dies that makes another attempt.
FURTHER_ATTEMPTS: Mapping[Step, int] = {
    Step.RESUBMISSION_RECORDED: 2,
    Step.RESUBMISSION_COMMITTED: 3,
}
STEPS = {*ATTEMPTS, *FURTHER_ATTEMPTS}


@pytest.fixture(scope="module", autouse=True)
def _relay(world: World) -> None:
    world.system.relay("relay")


@pytest.mark.parametrize("step", ATTEMPTS)
def test_what_a_dead_worker_had_sent_is_answered_once(
    world: World, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(step.value)
    fault = world.fault(step, tmp_path)
    worker = world.system.worker(step.value, ORDER_QUEUES, SLOW | fault.environment, processes=2)

    accepted = world.market.accept(user, *[world.market.request() for _ in range(5)])

    victim = fault.await_victim()
    eventually(lambda: is_gone(victim), "the victim is gone")
    world.until(user, "filled")
    world.assert_filled_once(user, [order.order_id for order in accepted])
    assert_attempts(world, user, least=1, most=ATTEMPTS[step])
    world.system.kill(worker)


@pytest.mark.parametrize("step", FURTHER_ATTEMPTS)
def test_a_worker_that_dies_while_it_sends_again_is_followed_by_another(
    world: World, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(step.value)
    first = world.fault(Step.VENUE_ANSWERED, tmp_path / "first")
    stuck = world.system.worker(f"{step}-first", ORDER_QUEUES, SLOW | first.environment)
    accepted = world.market.accept(user, *[world.market.request() for _ in range(5)])
    first.await_victim()
    world.system.kill(stuck)
    assert set(world.statuses(user).values()) == {"submitting"}
    fault = world.fault(step, tmp_path)

    worker = world.system.worker(step.value, ORDER_QUEUES, SLOW | fault.environment, processes=2)

    victim = fault.await_victim()
    eventually(lambda: is_gone(victim), "the victim is gone")
    world.until(user, "filled")
    world.assert_filled_once(user, [order.order_id for order in accepted])
    assert_attempts(world, user, least=2, most=FURTHER_ATTEMPTS[step])
    world.system.kill(worker)


def assert_attempts(world: World, user: int, *, least: int, most: int) -> None:
    """Orders that the victim held took one attempt more than those that it did not.

    It held all of them, unless they had waited for so long that the relay rang for each alone.
    """
    attempts = set(world.attempts(user).values())
    assert most in attempts
    assert attempts <= {least, most}
