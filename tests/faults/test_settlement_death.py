"""A process that dies while it settles: what is left is settled by the next one, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from angel_x.domain.orders.order import Side
from angel_x.domain.orders.step import Step
from tests.builders.markets import standing_market
from tests.builders.orders import contracts
from tests.faults.world import World

pytestmark = pytest.mark.e2e

STEPS = (
    Step.PRICE_FIXED,
    Step.POSITIONS_FOUND,
    Step.POSITIONS_SETTLED,
    Step.POSITIONS_COMMITTED,
)
#: A strike of the chain is 23,900.
CLOSE = Decimal(24_100)


@pytest.fixture(autouse=True)
def _market_time(world: World) -> Iterator[None]:
    yield
    world.application.market.feed_ports.beacon.hide()


def set_market(world: World, at: datetime) -> None:
    base = world.application.base
    world.application.market.feed_ports.beacon.show(standing_market(at, base.clock()))
    base.market_clock._read_at = datetime.min.replace(tzinfo=UTC)


def trade(world: World, user: int, side: Side) -> None:
    world.market.quote(world.market.symbols[0], "100.00", "100.50")
    world.market.spot(CLOSE)
    (accepted,) = world.market.accept(user, world.market.request(side))
    world.application.trading.execution.run([accepted.order_id])
    world.until(user, "filled")


@pytest.mark.parametrize("step", STEPS)
def test_a_settlement_that_dies_at_a_step_is_completed_once(
    world: World, tmp_path: Path, step: Step
) -> None:
    users = [world.market.account(f"{side}-{step}") for side in Side]
    closes_at = contracts(world.application)[0].expires_at
    set_market(world, closes_at - timedelta(hours=2))
    for user, side in zip(users, Side, strict=True):
        trade(world, user, side)
    set_market(world, closes_at)
    world.market.spot(CLOSE)
    fault = world.fault(step, tmp_path)

    victim = world.system.start(
        f"settle-{step}", "angel_x.entrypoints.cli settle", fault.environment
    )
    victim.join(120)

    assert fault.await_victim() == victim.pid
    before = _settled(world, users)
    assert len(before) == (1 if step is Step.POSITIONS_COMMITTED else 0)
    world.application.trading.settlement.run()
    assert sorted(_settled(world, users)) == [
        (users[0], Decimal("6467.50")),
        (users[1], Decimal("-6500.00")),
    ]
    world.market.assert_invariants()


def _settled(world: World, users: list[int]) -> list[tuple[int, Decimal]]:
    query = "SELECT user_id, realised_pnl FROM settlements WHERE user_id = ANY(%(users)s)"
    with world.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query, {"users": users})]
