"""A worker that is stopped past its lease and goes on: what it was about to write changes nothing."""

from __future__ import annotations

import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import pytest

from angel_x.domain.orders.step import Step
from tests.e2e.processes import eventually
from tests.faults.world import ORDER_QUEUES, Fault, World

pytestmark = pytest.mark.e2e

LEASE = {"ANGEL_X_ORDER_LEASE_SECONDS": "0.5"}
SLOW = {**LEASE, "ANGEL_X_PAPER_LATENCY_MS": "20"}


@pytest.fixture(scope="module", autouse=True)
def _relay(world: World) -> None:
    world.system.relay("relay")


def test_a_transaction_that_was_stopped_past_its_lease_is_never_committed(
    world: World, tmp_path: Path
) -> None:
    user = world.market.account("transaction")
    fault = world.fault(Step.BATCH_RECORDED, tmp_path, action="stop")
    worker, victim, orders = stopped(world, user, fault, LEASE)

    heir = world.system.worker("heir", ORDER_QUEUES, LEASE)
    world.until(user, "filled")
    before = events(world, orders)
    resume(victim)

    world.system.until_logged("victim", "server closed the connection")
    world.assert_filled_once(user, orders)
    assert events(world, orders) == before == {o: ["received", "filled"] for o in orders}
    assert set(world.attempts(user).values()) == {1}
    world.system.kill(heir)
    world.system.kill(worker)


def test_an_answer_of_the_venue_that_comes_after_the_lease_is_worth_nothing(
    world: World, tmp_path: Path
) -> None:
    user = world.market.account("venue")
    fault = world.fault(Step.VENUE_ANSWERED, tmp_path, action="stop")
    worker, victim, orders = stopped(world, user, fault, SLOW, name="late")

    heir = world.system.worker("late-heir", ORDER_QUEUES, SLOW)
    world.until(user, "filled")
    before = events(world, orders)
    resume(victim)

    world.system.until_logged("late", "attempts.stale")
    world.assert_filled_once(user, orders)
    assert events(world, orders) == before
    assert set(world.attempts(user).values()) == {2}
    world.system.kill(heir)
    world.system.kill(worker)


def stopped(
    world: World, user: int, fault: Fault, settings: dict[str, str], name: str = "victim"
) -> tuple[BaseProcess, psutil.Process, list[int]]:
    """Have a worker stop at its fault; return it, its child and the orders that it holds."""
    worker = world.system.worker(name, ORDER_QUEUES, settings | fault.environment)
    accepted = world.market.accept(user, *[world.market.request() for _ in range(5)])
    victim = psutil.Process(fault.await_victim())
    eventually(lambda: victim.status() == psutil.STATUS_STOPPED, "the victim is stopped")
    assert "filled" not in world.statuses(user).values()
    return worker, victim, [order.order_id for order in accepted]


def resume(victim: psutil.Process) -> None:
    assert victim.status() == psutil.STATUS_STOPPED
    os.kill(victim.pid, signal.SIGCONT)
    eventually(lambda: victim.status() != psutil.STATUS_STOPPED, "the victim goes on")


def events(world: World, orders: list[int]) -> dict[int, list[str]]:
    return {order: world.events(order) for order in orders}
