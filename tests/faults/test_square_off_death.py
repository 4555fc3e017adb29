"""A worker that dies on the way out of the market: the next one goes on, and nobody trades too much."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from angel_x.domain.book.control import ControlScope, OrderSelection
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import Side
from angel_x.domain.orders.step import Step
from config.queues import WORKER_QUEUES
from tests.e2e.processes import eventually
from tests.faults.nursery import is_gone
from tests.faults.world import BOUND, World

pytestmark = pytest.mark.e2e

EMERGENCY_QUEUES = ",".join(WORKER_QUEUES["emergency"])


@pytest.fixture(scope="module", autouse=True)
def _relay(world: World) -> None:
    world.system.relay("relay")


def square_off(world: World, user: int) -> None:
    """Have the worker bring an account with a short, a long and a resting order to flat."""
    hedge, short = world.market.symbols[:2]
    requests = [
        world.market.request(Side.BUY, hedge, quantity=130),
        world.market.request(Side.SELL, short),
        world.market.request(symbol=hedge, limit="80.00"),
    ]
    accepted = world.market.accept(user, *requests)
    world.application.trading.execution.run([order.order_id for order in accepted])
    world.until(user, "filled", "working")
    world.application.workflows.square_off.start(user, OrderSelection(), key="out", actor="test")


def halt(world: World, user: int) -> None:
    """Have the worker cancel what an account has open."""
    requests = [world.market.request(limit="80.00") for _ in range(5)]
    accepted = world.market.accept(user, *requests)
    world.application.trading.execution.run([order.order_id for order in accepted])
    world.until(user, "working")
    world.application.controls.trading_controls.turn(
        ControlScope.USER, str(user), TradingState.HALTED, actor="test", reason=None
    )


STEPS: Mapping[Step, Callable[[World, int], None]] = {
    Step.CANCEL_ALL_RECORDED: halt,
    Step.CANCEL_ALL_COMMITTED: halt,
    Step.WORKFLOW_BEGUN: square_off,
    Step.WORKFLOW_SAVED: square_off,
    Step.WORKFLOW_COMMITTED: square_off,
}
#: Steps that an order of any kind passes, and where a square-off may die as well.
ON_THE_WAY = (
    Step.ACCEPTANCE_STORED,
    Step.ACCEPTANCE_COMMITTED,
    Step.ACCEPTANCE_RUNG,
    Step.BATCH_RECORDED,
    Step.BATCH_COMMITTED,
)


@pytest.mark.parametrize("step", [*STEPS, *ON_THE_WAY])
def test_a_worker_that_dies_on_the_way_out_is_followed_by_one_that_gets_there(
    world: World, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(f"out-{step}")
    fault = world.fault(step, tmp_path)
    worker = world.system.worker(f"out-{step}", EMERGENCY_QUEUES, fault.environment, processes=2)

    STEPS.get(step, square_off)(world, user)

    victim = fault.await_victim()
    eventually(lambda: is_gone(victim), "the victim is gone")
    eventually(lambda: _is_out(world, user), "the account is out of the market", BOUND)
    assert _units_traded(world, user) in ((0, 0), (195, 195))
    world.market.assert_invariants()
    world.system.kill(worker)


def _is_out(world: World, user: int) -> bool:
    """Say whether nothing is open or held, and no workflow runs."""
    query = """
        SELECT 1 FROM orders WHERE user_id = %(user)s AND closed_at IS NULL
        UNION ALL SELECT 1 FROM positions WHERE user_id = %(user)s AND status = 'OPEN'
        UNION ALL SELECT 1 FROM workflows WHERE user_id = %(user)s AND status = 'running'
    """
    with world.application.base.engine.connect() as connection:
        return connection.exec_driver_sql(query, {"user": user}).first() is None


def _units_traded(world: World, user: int) -> tuple[int, int]:
    """Return the units bought and sold."""
    query = """
        SELECT coalesce(sum(quantity) FILTER (WHERE side = 'BUY'), 0),
            coalesce(sum(quantity) FILTER (WHERE side = 'SELL'), 0)
        FROM fills WHERE user_id = %(user)s
    """
    with world.application.base.engine.connect() as connection:
        bought, sold = connection.exec_driver_sql(query, {"user": user}).one()
    return bought, sold
