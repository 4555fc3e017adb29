"""A worker that dies at each step of its work: what it was doing is done once, by whoever comes next."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from angel_x.adapters.celery_message import Message, encoded
from angel_x.domain.orders.step import Step
from config.queues import QueueName
from config.task_names import TaskName
from tests.e2e.processes import eventually
from tests.faults.nursery import is_gone
from tests.faults.world import ORDER_QUEUES, World

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def _relay(world: World) -> None:
    world.system.relay("relay")


def trade(world: World, user: int) -> str:
    """Have the worker trade new orders."""
    world.market.accept(user, *[world.market.request() for _ in range(5)])
    return "filled"


def clear(world: World, user: int) -> str:
    """Have the worker find a lane full of doorbells that ring for nothing, and orders behind them."""
    other = world.market.account(f"other-{user}")
    (decided,) = world.market.accept(other, world.market.request())
    world.application.trading.execution.run([decided.order_id])
    empty = Message(TaskName.PROCESS_ORDER_BATCH, QueueName.NORMAL, ([str(decided.order_id)],))
    # All at once: what comes alone is taken before the next one waits.
    world.application.base.broker.lpush(empty.queue.value, *(encoded(empty) for _ in range(40)))
    return trade(world, user)


def match(world: World, user: int) -> str:
    """Have the worker trade orders that rest, once the market has come to them."""
    symbol = world.market.symbols[user % len(world.market.symbols)]
    world.market.quote(symbol, "100.00", "100.50")
    requests = [world.market.request(symbol=symbol, limit="100.30") for _ in range(5)]
    rest(world, user, [order.order_id for order in world.market.accept(user, *requests)])
    world.market.quote(symbol, "100.00", "100.20")
    # Beat comes again and again.
    world.send(TaskName.MATCH_ORDERS)
    world.send(TaskName.MATCH_ORDERS)
    return "filled"


def expire(world: World, user: int) -> str:
    """Have the worker end orders whose validity is over."""
    requests = [world.market.request(limit="99.00") for _ in range(5)]
    rest(world, user, [order.order_id for order in world.market.accept(user, *requests)])
    world.execute("UPDATE orders SET valid_until = accepted_at WHERE user_id = %s", user)
    world.send(TaskName.EXPIRE_ORDERS)
    world.send(TaskName.EXPIRE_ORDERS)
    return "expired"


def rest(world: World, user: int, orders: Sequence[int]) -> None:
    """Have orders decided before the worker hears of them."""
    world.application.trading.execution.run(orders)
    world.until(user, "working")


STEPS: Mapping[Step, Callable[[World, int], str]] = {
    Step.MESSAGE_TAKEN: trade,
    Step.BATCH_RECEIVED: trade,
    Step.BATCH_CLAIMED: trade,
    Step.BATCH_DECIDED: trade,
    Step.BATCH_RECORDED: trade,
    Step.BATCH_COMMITTED: trade,
    Step.BATCH_TOLD: trade,
    Step.LANE_CLEARED: clear,
    Step.MATCH_FOUND: match,
    Step.MATCH_RECORDED: match,
    Step.MATCH_COMMITTED: match,
    Step.EXPIRY_FOUND: expire,
    Step.EXPIRY_RECORDED: expire,
    Step.EXPIRY_COMMITTED: expire,
}


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies_at_a_step_loses_and_doubles_nothing(
    world: World, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(step.value)
    fault = world.fault(step, tmp_path)
    # Two children, because Celery may take seconds to replace one that dies within a moment.
    worker = world.system.worker(step.value, ORDER_QUEUES, fault.environment, processes=2)

    outcome = STEPS[step](world, user)

    victim = fault.await_victim()
    eventually(lambda: is_gone(victim), "the victim is gone")
    # The worker replaces a child of its own; nobody here replaces the worker.
    if not worker.is_alive():
        assert (worker.pid, worker.exitcode) == (victim, -signal.SIGKILL)
        worker = world.system.worker(f"{step}-successor", ORDER_QUEUES, fault.environment)
    world.until(user, outcome)
    assert len(world.statuses(user)) == 5
    assert set(world.fills(user).values()) == ({1} if outcome == "filled" else {0})
    world.market.assert_invariants()
    world.system.kill(worker)
