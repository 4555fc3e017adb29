"""What is next for a basket, given where its orders stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from angel_x.domain.orders.order import OrderStatus, Product, Side
from angel_x.domain.workflows.basket import (
    MAX_EXITS,
    BasketAction,
    BasketResult,
    Leg,
    OnRefusal,
    closable,
    exit_name,
    left,
    leg_name,
    next_action,
    result,
)

BUY, SELL = Side.BUY, Side.SELL
RECEIVED, WORKING, FILLED = OrderStatus.RECEIVED, OrderStatus.WORKING, OrderStatus.FILLED
DENIED, CANCELED = OrderStatus.DENIED, OrderStatus.CANCELED
KEEP, FLATTEN = OnRefusal.KEEP, OnRefusal.FLATTEN


def leg(
    number: int,
    side: Side,
    status: OrderStatus,
    filled: int = 0,
    *,
    is_held: bool = False,
    attempt: int = 0,
) -> Leg:
    name = exit_name("b", number, attempt) if attempt else leg_name("b", number)
    filled = 65 if status is FILLED else filled
    order_id = number * 100 + attempt
    return Leg(
        order_id, name, f"LEG{number}", side, Product.NORMAL, 65, filled, status, None, is_held, (order_id,)
    )  # fmt: skip


def fold(orders: list[Leg]) -> dict[tuple[str, Product], int]:
    """Return what an account holds that has traded nothing else."""
    units: dict[tuple[str, Product], int] = {}
    for order in orders:
        place = order.symbol, order.product
        units[place] = units.get(place, 0) + order.side.sign * order.filled_quantity
    return units


def held(number: int, side: Side) -> Leg:
    return leg(number, side, RECEIVED, is_held=True)


@pytest.mark.parametrize(
    ("legs", "action", "numbers"),
    [
        ([held(1, SELL), held(2, BUY)], BasketAction.CHECK, [1, 2]),
        ([held(1, SELL), leg(2, BUY, RECEIVED)], BasketAction.AWAIT, [2]),
        ([held(1, SELL), leg(2, BUY, WORKING), leg(3, BUY, FILLED)], BasketAction.AWAIT, [2]),
        ([held(1, SELL), leg(2, BUY, FILLED)], BasketAction.RELEASE, [1]),
        ([leg(1, SELL, RECEIVED), leg(2, BUY, FILLED)], BasketAction.AWAIT, [1]),
        ([leg(1, SELL, FILLED), leg(2, BUY, FILLED)], BasketAction.FINISH, []),
        ([held(1, SELL), leg(2, BUY, DENIED)], BasketAction.CANCEL, [1]),
        (
            [held(1, SELL), leg(2, BUY, CANCELED, 5), leg(3, BUY, WORKING)],
            BasketAction.CANCEL,
            [1, 3],
        ),
        ([leg(1, SELL, CANCELED), leg(2, BUY, FILLED)], BasketAction.FINISH, []),
    ],
)
def test_hedges_come_before_sales_and_a_refusal_before_all(
    legs: list[Leg], action: BasketAction, numbers: list[int]
) -> None:
    step = next_action(legs, KEEP, {})

    assert (step.kind, [leg.number for leg in step.legs]) == (action, numbers)


SHORT, HEDGE, REFUSED = leg(1, SELL, FILLED), leg(2, BUY, FILLED), leg(3, SELL, CANCELED)


@pytest.mark.parametrize(
    ("exits", "action", "numbers"),
    [
        ([], BasketAction.EXIT, [1]),
        ([leg(1, BUY, RECEIVED, is_held=True, attempt=1)], BasketAction.RELEASE, [1]),
        ([leg(1, BUY, RECEIVED, attempt=1)], BasketAction.AWAIT, [1]),
        ([leg(1, BUY, CANCELED, attempt=1)], BasketAction.EXIT, [1]),
        ([leg(1, BUY, FILLED, attempt=1)], BasketAction.EXIT, [2]),
        (
            [leg(1, BUY, FILLED, attempt=1), leg(2, SELL, FILLED, attempt=1)],
            BasketAction.FINISH,
            [],
        ),
        (
            [leg(1, BUY, DENIED, attempt=n) for n in range(1, MAX_EXITS + 1)],
            BasketAction.FINISH,
            [],
        ),
    ],
)
def test_flattening_closes_what_is_short_before_what_hedges_it(
    exits: list[Leg], action: BasketAction, numbers: list[int]
) -> None:
    orders = [SHORT, HEDGE, REFUSED, *exits]

    step = next_action(orders, FLATTEN, fold(orders))

    assert (step.kind, [leg.number for leg in step.legs]) == (action, numbers)


@pytest.mark.parametrize(
    ("orders", "choice", "expected"),
    [
        ([SHORT, HEDGE], FLATTEN, BasketResult.FILLED),
        ([REFUSED], KEEP, BasketResult.REFUSED),
        ([REFUSED], FLATTEN, BasketResult.REFUSED),
        ([HEDGE, REFUSED], KEEP, BasketResult.KEPT),
        ([HEDGE, REFUSED], FLATTEN, BasketResult.STUCK),
        ([HEDGE, REFUSED, leg(2, SELL, FILLED, attempt=1)], FLATTEN, BasketResult.FLATTENED),
    ],
)
def test_the_result_says_what_is_left(
    orders: list[Leg], choice: OnRefusal, expected: BasketResult
) -> None:
    assert result(orders, choice, fold(orders)) is expected


def test_what_somebody_else_closed_is_left_alone() -> None:
    sold_by_hand = {("LEG1", Product.NORMAL): -65, ("LEG2", Product.NORMAL): 0}
    orders = [HEDGE, REFUSED]

    step = next_action(orders, FLATTEN, sold_by_hand)

    assert step.kind is BasketAction.FINISH
    assert result(orders, FLATTEN, sold_by_hand) is BasketResult.FLATTENED


@pytest.mark.parametrize(
    ("held_units", "expected"), [(0, {}), (-65, {}), (40, {2: 40}), (650, {2: 65})]
)
def test_no_more_can_be_closed_than_is_held_and_none_of_the_other_side(
    held_units: int, expected: dict[int, int]
) -> None:
    units = closable([HEDGE, REFUSED], {("LEG2", Product.NORMAL): held_units})

    assert units == expected


def test_the_last_unit_that_is_held_can_be_closed() -> None:
    assert closable([HEDGE, REFUSED], {("LEG2", Product.NORMAL): 1}) == {2: 1}


def test_two_legs_of_one_contract_close_what_is_held_once() -> None:
    twin = replace(leg(4, BUY, FILLED), symbol="LEG2")

    assert closable([HEDGE, twin], {("LEG2", Product.NORMAL): 100}) == {2: 65, 4: 35}


def test_what_is_left_is_what_the_exits_have_not_closed() -> None:
    partial = leg(2, SELL, CANCELED, 40, attempt=1)

    assert left([SHORT, HEDGE, partial]) == {1: 65, 2: 25}
