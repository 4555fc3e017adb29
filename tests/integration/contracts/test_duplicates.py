"""One contract of transactions over accounts and orders: which order repeats an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from angel_x.domain.orders.order import OrderStatus, OrderType, Priority, Product, Side, Validity
from tests.fakes.tables import LOT
from tests.integration.contracts.worlds import UNIVERSE, World


def duplicates(world: World, order_ids: Sequence[int], seconds: int = 30) -> set[int]:
    with world.units.begin() as unit:
        return unit.duplicates(dict.fromkeys(order_ids, Decimal(seconds)))


@pytest.mark.parametrize(
    "other",
    [
        {"side": Side.SELL},
        {"quantity": 2 * LOT},
        {"symbol": UNIVERSE.symbols[0]},
        {"limit": "99.05"},
        {"limit": None},
        {"trigger_price": Decimal("98.00"), "order_type": OrderType.STOP_LIMIT},
    ],
)
def test_other_content_is_no_duplicate(world: World, user: int, other: dict[str, Any]) -> None:
    said: dict[str, Any] = {"limit": "99.00"}
    first, second = world.order(user, **said), world.order(user, **said | other)
    third = world.order(user, **said)

    assert duplicates(world, [first, second, third]) == {third}


@pytest.mark.parametrize(
    "other",
    [
        {"validity": Validity.IOC},
        {"product": Product.INTRADAY},
        {"priority": Priority.LOW},
        {"status": OrderStatus.CANCELED},
    ],
)
def test_what_changes_no_trade_makes_no_other_order(
    world: World, user: int, other: dict[str, Any]
) -> None:
    world.order(user, "99.00", **other)

    again = world.order(user, "99.00")

    assert duplicates(world, [again]) == {again}


@pytest.mark.parametrize("trigger", ["98.00", "97.00"])
def test_stops_repeat_each_other_at_the_same_trigger(world: World, user: int, trigger: str) -> None:
    stop: dict[str, Any] = {"order_type": OrderType.STOP_LIMIT}
    world.order(user, "99.00", trigger_price=Decimal("98.00"), **stop)

    again = world.order(user, "99.00", trigger_price=Decimal(trigger), **stop)

    assert duplicates(world, [again]) == ({again} if trigger == "98.00" else set())


def test_orders_at_market_repeat_each_other_whatever_protects_them(world: World, user: int) -> None:
    protected = world.order(user, "101.00", order_type=OrderType.MARKET)

    again = world.order(user)

    assert duplicates(world, [protected, again]) == {again}


def test_accounts_do_not_repeat_each_other(world: World, user: int) -> None:
    world.order(user)

    assert duplicates(world, [world.order(world.account())]) == set()


@pytest.mark.parametrize("after", [False, True])
def test_only_an_order_within_the_window_counts_and_only_an_earlier_one(
    world: World, user: int, *, after: bool
) -> None:
    old, new = world.order(user, age=200), world.order(user, age=100)

    assert duplicates(world, [new], 50) == set()
    assert duplicates(world, [new], 150) == {new}
    assert duplicates(world, [old], 150) == set()


def test_each_order_has_its_own_window(world: World, user: int) -> None:
    world.order(user, age=200)
    short, long = world.order(user, "99.00", age=200), world.order(user, age=100)
    again = world.order(user, "99.00", age=100)

    with world.units.begin() as unit:
        windows = {long: Decimal(150), again: Decimal(50), short: Decimal(150)}
        assert unit.duplicates(windows) == {long}
        assert unit.duplicates({}) == set()


def test_each_order_is_compared_with_all_before_it(world: World, user: int) -> None:
    first, second, third = (world.order(user, limit) for limit in ("99.00", "98.00", "98.00"))

    assert duplicates(world, [first, second, third]) == {third}


def test_a_slice_repeats_what_its_parent_repeats_and_nothing_else(world: World, user: int) -> None:
    single = world.order(user)
    whole: dict[str, Any] = {"held": True, "slices": 2, "quantity": 2 * LOT}
    parents = [world.order(user, **whole)]
    first = [world.order(user, parent_id=parents[0]) for _ in range(2)]
    parents.append(world.order(user, **whole))
    second = [world.order(user, parent_id=parents[1]) for _ in range(2)]

    assert duplicates(world, [*first, single, *second]) == set(second)


def test_the_legs_of_one_basket_may_repeat_each_other_and_nobody_else(
    world: World, user: int
) -> None:
    basket, other = world.basket(user), world.basket(user)
    legs = [world.order(user, basket_id=basket) for _ in range(2)]
    assert duplicates(world, legs) == set()

    stranger, single = world.order(user, basket_id=other), world.order(user)

    assert duplicates(world, [*legs, stranger, single]) == {stranger, single}


def test_a_leg_repeats_a_single_order(world: World, user: int) -> None:
    world.order(user)

    leg = world.order(user, basket_id=world.basket(user))

    assert duplicates(world, [leg]) == {leg}
