"""How many orders wait, and for how long: what counts and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.postgres.backlog import Backlog
from angel_x.domain.operations.backlog import LaneBacklog
from angel_x.domain.orders.order import ASKED, OPEN, OrderStatus, Priority
from tests.fakes.tables import LOT
from tests.integration.contracts.worlds import UNIVERSE, SqlWorld

COLUMNS: dict[OrderStatus, dict[str, Any]] = {
    **{status: {"lease": 600} for status in ASKED},
    OrderStatus.PARTIALLY_FILLED: {"filled_quantity": 1},
    OrderStatus.FILLED: {"filled_quantity": LOT},
    OrderStatus.DENIED: {"reason": "NO_QUOTE"},
    OrderStatus.REJECTED: {"reason": "NO_QUOTE"},
}
#: Seconds that a test may take.
SLACK = 600


@pytest.fixture
def world(engine: Engine) -> SqlWorld:
    return SqlWorld(engine, engine)


@pytest.fixture
def user(world: SqlWorld) -> int:
    return world.account()


@pytest.fixture
def backlog(engine: Engine) -> Backlog:
    return Backlog(engine)


def of_every_status(world: SqlWorld, user: int, **columns: Any) -> None:
    for status in OrderStatus:
        world.order(user, status=status, **COLUMNS.get(status, {}), **columns)


def test_a_lane_counts_what_waits_there_and_the_age_of_the_oldest(
    world: SqlWorld, user: int, backlog: Backlog
) -> None:
    of_every_status(world, user, age=5_000)
    world.order(user, age=1_000)
    world.order(user, age=90_000, held=True)
    world.order(user, age=3_000, priority=Priority.LOW)

    lanes = backlog.lanes()

    assert list(lanes) == list(Priority)
    assert {lane: found.waiting for lane, found in lanes.items() if found.waiting} == {
        Priority.NORMAL: 2,
        Priority.LOW: 1,
    }
    assert 5_000 <= lanes[Priority.NORMAL].oldest_seconds < 5_000 + SLACK
    assert 3_000 <= lanes[Priority.LOW].oldest_seconds < 3_000 + SLACK
    assert lanes[Priority.HIGH] == LaneBacklog(0, 0.0)


def test_open_orders_are_counted_by_status(world: SqlWorld, user: int, backlog: Backlog) -> None:
    of_every_status(world, user)
    world.order(user, status=OrderStatus.WORKING)

    assert backlog.open_orders() == {
        status: 2 if status is OrderStatus.WORKING else 1
        for status in OrderStatus
        if status in OPEN
    }


def test_the_most_overdue_ring_is_that_of_an_order_that_waits_and_is_due(
    world: SqlWorld, user: int, backlog: Backlog
) -> None:
    world.order(user, due=-60)
    assert backlog.oldest_due_seconds() == 0
    world.order(user, due=90_000, held=True)
    world.order(user, due=90_000, status=OrderStatus.WORKING)
    world.order(user, due=90_000, status=OrderStatus.CANCELED)
    assert backlog.oldest_due_seconds() == 0

    world.order(user, due=3_000)
    world.order(user, due=5_000)

    assert 5_000 <= backlog.oldest_due_seconds() < 5_000 + SLACK


def test_leases_that_ran_out_are_counted(world: SqlWorld, user: int, backlog: Backlog) -> None:
    for lease in (-1, -60, 600):
        world.order(user, status=OrderStatus.SUBMITTING, lease=lease)
    world.order(user, status=OrderStatus.WORKING)

    assert backlog.expired_leases() == 2


def test_workflows_are_due_while_they_run_and_their_hour_has_come(
    world: SqlWorld, user: int, engine: Engine, backlog: Backlog
) -> None:
    due, later, done = (world.basket(user) for _ in range(3))
    with engine.begin() as connection:
        connection.execute(
            text("""
            UPDATE workflows SET
                due_at = clock_timestamp() + make_interval(secs => CASE id WHEN :later
                    THEN 6000 ELSE -60 END),
                status = CASE id WHEN :done THEN 'done' ELSE 'running' END,
                finished_at = CASE id WHEN :done THEN clock_timestamp() END
            """),
            {"later": later, "done": done},
        )

    assert backlog.workflows_due() == 1
    assert due < later < done


def test_only_listed_contracts_are_counted(
    world: SqlWorld, engine: Engine, backlog: Backlog
) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE contracts SET listed = false WHERE symbol = :symbol"),
            {"symbol": UNIVERSE.symbols[0]},
        )

    assert backlog.listed_contracts() == len(UNIVERSE.symbols) - 1
