"""One contract of transactions over accounts and orders: which orders a service is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from angel_x.domain.orders.order import ASKED, OPEN, Order, OrderStatus, Priority, Product, Side
from tests.fakes.tables import LOT
from tests.integration.contracts.worlds import UNIVERSE, World

#: What a stored order has to say besides its status.
COLUMNS: dict[OrderStatus, dict[str, Any]] = {
    **{status: {"lease": 60} for status in ASKED},
    OrderStatus.PARTIALLY_FILLED: {"filled_quantity": 1},
    OrderStatus.FILLED: {"filled_quantity": LOT},
    OrderStatus.DENIED: {"reason": "NO_QUOTE"},
    OrderStatus.REJECTED: {"reason": "NO_QUOTE"},
}


def ids(orders: Sequence[Order]) -> list[int]:
    return [order.id for order in orders]


def of_every_status(world: World, user: int) -> dict[OrderStatus, int]:
    return {s: world.order(user, status=s, **COLUMNS.get(s, {})) for s in OrderStatus}


def claim(world: World, order_ids: Sequence[int], limit: int = 10) -> list[int]:
    with world.units.begin() as unit:
        return ids(unit.claim(order_ids, limit)[0])


def test_a_claim_takes_what_waits_in_the_lane_of_an_account_whichever_order_is_named(
    world: World, user: int
) -> None:
    first, named, last = (world.order(user) for _ in range(3))
    world.order(world.account())
    world.order(user, priority=Priority.HIGH)

    assert claim(world, [named]) == [first, named, last]


def test_a_claim_takes_only_what_was_received_and_is_not_held(world: World, user: int) -> None:
    found = of_every_status(world, user)
    world.order(user, held=True)

    assert claim(world, [found[OrderStatus.FILLED]]) == [found[OrderStatus.RECEIVED]]


def test_a_claim_takes_the_oldest_up_to_its_limit(world: World, user: int) -> None:
    orders = [world.order(user) for _ in range(4)]

    assert claim(world, orders[::-1], 3) == orders[:3]


def test_a_claim_that_names_an_order_twice_takes_it_once(world: World, user: int) -> None:
    orders = [world.order(user) for _ in range(2)]

    assert claim(world, [*orders, *orders]) == orders


def test_a_claim_serves_the_lanes_in_their_order(world: World, user: int) -> None:
    lanes = [Priority.LOW, Priority.NORMAL, Priority.EMERGENCY, Priority.HIGH]
    by_lane = {lane: world.order(user, priority=lane) for lane in lanes}

    assert claim(world, list(by_lane.values())) == [by_lane[lane] for lane in Priority]
    assert claim(world, list(by_lane.values()), 2) == [by_lane[lane] for lane in [*Priority][:2]]


@pytest.mark.parametrize("is_older", [False, True])
def test_accounts_take_turns_in_a_claim(world: World, user: int, *, is_older: bool) -> None:
    deep, other = (user, world.account()) if is_older else (world.account(), user)
    backlog, late = [world.order(deep) for _ in range(5)], [world.order(other) for _ in range(2)]

    assert claim(world, [backlog[0], late[0]], 4) == [*backlog[:2], *late]
    assert claim(world, [backlog[0], late[0]], 3) == [*backlog[:2], late[0]]
    assert claim(world, [backlog[0], late[0]], 1) == [backlog[0]]


def test_a_claim_takes_the_accounts_that_are_free_and_names_the_others(
    world: World, user: int
) -> None:
    other = world.account()
    held, free = [world.order(user), world.order(user)], world.order(other)

    with world.units.begin() as holder:
        holder.claim(held, 10)
        with world.units.begin() as unit:
            assert ids(unit.claim([*held, free], 10)[0]) == [free]
            assert unit.busy([*held, free]) == {user: held}
    with world.units.begin() as unit:
        unit.claim([*held, free], 10)
        assert unit.busy([*held, free]) == {}


def test_only_orders_that_wait_keep_an_account_busy(world: World, user: int) -> None:
    found = of_every_status(world, user)
    laid_aside = world.order(user, held=True)

    with world.units.begin() as holder:
        holder.claim([laid_aside], 10)
        with world.units.begin() as unit:
            unit.claim([*found.values(), laid_aside], 10)
            busy = unit.busy([*found.values(), laid_aside])

    assert busy == {user: [found[OrderStatus.RECEIVED]]}


def test_a_claim_in_turn_takes_accounts_and_orders_like_any_other(world: World, user: int) -> None:
    order, other = world.order(user), world.order(world.account())

    with world.units.begin() as unit:
        assert ids(unit.claim([order, other], 10, waits=True)[0]) == [order, other]


def test_the_emergencies_of_an_account_take_a_quarter_of_a_claim(world: World, user: int) -> None:
    urgent = [world.order(user, priority=Priority.EMERGENCY) for _ in range(3)]
    normal = [world.order(user) for _ in range(3)]
    other = world.order(world.account(), priority=Priority.EMERGENCY)

    assert claim(world, [urgent[0], normal[0], other], 8) == [*urgent[:2], other, *normal]


def test_a_claim_of_orders_that_nobody_has_is_empty(world: World, user: int) -> None:
    order_id = world.order(user)

    with world.units.begin() as unit:
        orders, book = unit.claim([order_id + 1], 10)

    assert (orders, book.accounts) == ([], {})


@pytest.mark.parametrize("statuses", [OPEN, {OrderStatus.RECEIVED}, {OrderStatus.SUBMITTING}])
def test_orders_are_those_named_in_one_of_the_statuses_by_age(
    world: World, user: int, statuses: set[OrderStatus]
) -> None:
    found = of_every_status(world, user)
    world.order(user)

    with world.units.begin() as unit:
        orders, _ = unit.orders([*found.values()][::-1], statuses)

    assert ids(orders) == [found[s] for s in OrderStatus if s in statuses]


@pytest.mark.parametrize(
    ("other", "rests"),
    [
        ({"limit": "9", "status": OrderStatus.WORKING}, True),
        ({"limit": "9", "status": OrderStatus.PARTIALLY_FILLED, "filled_quantity": 1}, True),
        ({"limit": "9", "status": OrderStatus.WORKING, "side": Side.SELL}, False),
        ({"limit": "9", "status": OrderStatus.WORKING, "symbol": UNIVERSE.symbol(1)}, False),
        ({"limit": "9", "status": OrderStatus.TRIGGER_PENDING, "trigger_price": "8"}, False),
        ({"limit": "9", "status": OrderStatus.CANCELED, "reason": "BY_USER"}, False),
        ({"limit": "9"}, False),
    ],
    ids=lambda value: str(value) if isinstance(value, bool) else None,
)
def test_an_order_knows_whether_others_rest_in_its_contract_on_its_side(
    world: World, user: int, other: dict[str, Any], *, rests: bool
) -> None:
    world.order(world.account(), **other)
    order = world.order(user)

    with world.units.begin() as unit:
        claimed, _ = unit.claim([order], 10)

    assert [each.others_rest for each in claimed] == [rests]


def test_a_sliced_order_is_not_given_out_beside_its_slices(world: World, user: int) -> None:
    parent = world.order(user, held=True, slices=2, quantity=2 * LOT)
    slices = [world.order(user, parent_id=parent) for _ in range(2)]

    with world.units.begin() as unit:
        orders, _ = unit.orders([parent, *slices], {OrderStatus.RECEIVED})

    assert ids(orders) == slices
    assert [order.parent_quantity for order in orders] == [2 * LOT] * 2
    assert claim(world, [parent]) == slices


def test_an_order_that_is_held_is_given_out_by_its_id(world: World, user: int) -> None:
    """It can be canceled and expires, though nobody decides it."""
    held = world.order(user, held=True)

    with world.units.begin() as unit:
        orders, _ = unit.orders([held], {OrderStatus.RECEIVED})

    assert ids(orders) == [held]


def test_an_order_with_slices_comes_with_its_slices_whatever_their_statuses(
    world: World, user: int
) -> None:
    parent = world.order(user, held=True, slices=2, status=OrderStatus.WORKING)
    filled = world.order(user, parent_id=parent, status=OrderStatus.FILLED, filled_quantity=LOT)
    working = world.order(user, "99.00", parent_id=parent, status=OrderStatus.WORKING)
    world.order(user)

    with world.units.begin() as unit:
        sliced, single, none = (unit.with_slices(i) for i in (parent, working, working + 9))

    assert sliced.order is not None
    assert (sliced.order.id, ids(sliced.slices)) == (parent, [filled, working])
    assert (ids(single.parts), single.slices) == ([working], ())
    assert (none.order, none.slices, none.book.accounts) == (None, (), {})


def test_abandoned_are_those_on_their_way_whose_lease_has_ended(world: World, user: int) -> None:
    on_their_way = OrderStatus.SUBMITTING
    left = [world.order(user, status=on_their_way, lease=-n) for n in (1, 60)]
    owned = world.order(user, status=on_their_way, lease=60)
    received, unnamed = world.order(user), world.order(user, status=on_their_way, lease=-1)
    answered = world.order(user, status=OrderStatus.WORKING, lease=-1)

    with world.units.begin() as unit:
        orders, book = unit.abandoned([received, answered, owned, *left[::-1]])

    assert ids(orders) == left
    assert unnamed not in ids(orders)
    assert set(book.accounts) == {user}


def test_unknown_are_the_ids_that_no_order_has(world: World, user: int) -> None:
    order_id = world.order(user, status=OrderStatus.CANCELED)

    with world.units.begin() as unit:
        assert unit.unknown([order_id, order_id + 1, order_id + 2]) == {order_id + 1, order_id + 2}
        assert unit.unknown([order_id]) == set()


def test_only_what_is_held_and_waits_is_released(world: World, user: int) -> None:
    held, other = (world.order(user, held=True, due=60) for _ in range(2))
    free = world.order(user, due=60)
    closed = world.order(user, held=True, due=60, status=OrderStatus.CANCELED)
    parent = world.order(user, held=True, due=60, slices=2)
    before = {i: world.row(i).ring_at for i in (held, other, free, closed, parent)}

    with world.units.begin() as unit:
        unit.release([held, free, closed, parent])
        unit.commit()

    rows = {i: world.row(i) for i in before}
    assert {i for i, row in rows.items() if row.held} == {other, closed, parent}
    assert {i for i, row in rows.items() if row.ring_at != before[i]} == {held}
    assert claim(world, [held]) == [held, free]


def test_what_an_order_says_is_read_as_it_is_stored(world: World, user: int) -> None:
    said: dict[str, Any] = {
        "side": Side.SELL,
        "priority": Priority.HIGH,
        "product": Product.INTRADAY,
        "quantity": 3 * LOT,
        "filled_quantity": LOT,
        "status": OrderStatus.PARTIALLY_FILLED,
        "attempt": 2,
        "time_priority": 99,
        "client_order_id": "mine",
        "symbol": UNIVERSE.symbols[1],
    }
    order_id = world.order(user, "99.50", age=40, **said)

    with world.units.begin() as unit:
        ((order,), _) = unit.orders([order_id], OPEN)

    stored = world.row(order_id).order
    assert {name: getattr(order, name) for name in said} == said
    assert (order.limit_price, order.valid_until) == (stored.limit_price, stored.valid_until)
    assert 40 <= order.age_seconds < 400
    assert order.parent_quantity is None
