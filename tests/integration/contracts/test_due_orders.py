"""One contract of the orders that a relay rings for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import pytest

from angel_x.domain.orders.order import OrderStatus, Priority
from tests.fakes.tables import LOT
from tests.integration.contracts.worlds import World

SUBMITTING = OrderStatus.SUBMITTING


def due(world: World, limit: int = 10, lanes: Collection[Priority] = tuple(Priority)) -> list[int]:
    with world.due.due_unit() as unit:
        return [order.id for order in unit.due(lanes, limit)]


def test_what_waits_is_due_once_its_hour_has_come(world: World, user: int) -> None:
    order_id = world.order(user, due=1, priority=Priority.LOW, rings=2)
    world.order(user, due=-60)

    with world.due.due_unit() as unit:
        (found,) = unit.due(tuple(Priority), 10)

    assert (found.id, found.priority, found.rings) == (order_id, Priority.LOW, 2)
    assert not found.is_abandoned


def test_what_was_left_on_its_way_is_due_once_its_lease_and_its_pause_are_over(
    world: World, user: int
) -> None:
    order_id = world.order(user, due=1, lease=-1, status=SUBMITTING, rings=1)
    world.order(user, due=1, lease=60, status=SUBMITTING)
    world.order(user, due=-60, lease=-1, status=SUBMITTING)

    with world.due.due_unit() as unit:
        (found,) = unit.due(tuple(Priority), 10)

    assert (found.id, found.rings, found.is_abandoned) == (order_id, 1, True)


@pytest.mark.parametrize(
    "columns",
    [
        {"held": True},
        {"status": OrderStatus.WORKING},
        {"status": OrderStatus.FILLED, "filled_quantity": LOT},
        {"status": OrderStatus.CANCELED},
    ],
)
def test_what_is_held_or_decided_is_not_due(
    world: World, user: int, columns: dict[str, Any]
) -> None:
    world.order(user, due=1, **columns)

    assert due(world) == []


def test_what_waits_is_searched_in_the_lanes_that_were_asked_for(world: World, user: int) -> None:
    by_lane = {lane: world.order(user, due=1, priority=lane) for lane in Priority}

    wanted = [Priority.HIGH, Priority.LOW]

    assert sorted(due(world, lanes=wanted)) == [by_lane[lane] for lane in wanted]
    assert due(world, lanes=[]) == []


def test_what_was_left_on_its_way_is_due_whatever_lanes_were_asked_for(
    world: World, user: int
) -> None:
    left = [
        world.order(user, due=1, priority=lane, status=SUBMITTING, lease=-1) for lane in Priority
    ]

    assert sorted(due(world, lanes=[Priority.HIGH])) == left
    assert sorted(due(world, lanes=[])) == left


def test_of_either_kind_the_longest_due_come_first_and_no_more_than_the_limit(
    world: World, user: int
) -> None:
    waiting = [world.order(user, due=seconds) for seconds in (10, 30, 20)]
    left = [
        world.order(user, due=60 - seconds, lease=-seconds, status=SUBMITTING)
        for seconds in (10, 30, 20)
    ]

    assert due(world, 2) == [waiting[1], waiting[2], left[1], left[2]]


def test_what_one_relay_holds_another_one_skips(world: World, user: int) -> None:
    waiting = [world.order(user, due=n) for n in (4, 3, 2, 1)]
    left = [world.order(user, due=1, lease=-seconds, status=SUBMITTING) for seconds in (4, 3, 2, 1)]

    with world.due.due_unit() as first, world.due.due_unit() as second:
        mine = [order.id for order in first.due(tuple(Priority), 2)]
        others = [order.id for order in second.due(tuple(Priority), 10)]

    assert mine == [*waiting[:2], *left[:2]]
    assert others == [*waiting[2:], *left[2:]]


def test_what_was_rung_for_is_due_again_after_its_pause(world: World, user: int) -> None:
    soon, later, other = (world.order(user, due=30) for _ in range(3))
    before = world.row(other)

    with world.due.due_unit() as unit:
        unit.due(tuple(Priority), 10)
        unit.rung({later: (5, 600.0), soon: (2, 60.0)})
        with world.due.due_unit() as next_one:
            assert [order.id for order in next_one.due(tuple(Priority), 10)] == [other]

    rows = {order_id: world.row(order_id) for order_id in (soon, later)}
    assert [rows[i].rings for i in (soon, later)] == [2, 5]
    assert 89 < pause(rows[soon].ring_at, before.ring_at) < 400
    assert 629 < pause(rows[later].ring_at, before.ring_at) < 1_000
    assert world.row(other) == before


def test_a_relay_that_leaves_without_a_word_changes_nothing(world: World, user: int) -> None:
    order_id = world.order(user, due=30)
    before = world.row(order_id)

    assert due(world) == [order_id]

    assert world.row(order_id) == before
    assert due(world) == [order_id]


def pause(after: datetime, before: datetime) -> float:
    return (after - before).total_seconds()
