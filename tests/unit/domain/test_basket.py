"""What is next for a basket, given where its orders stand."""

from __future__ import annotations

import pytest

from angel_x.domain.basket import (
    MAX_EXITS,
    BasketResult,
    Deed,
    Leg,
    OnRefusal,
    exit_name,
    left,
    leg_name,
    next_step,
    result,
)
from angel_x.domain.order import OrderStatus, Product, Side

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
        order_id, name, "NIFTY", side, Product.NORMAL, 65, filled, status, None, is_held, (order_id,)
    )  # fmt: skip


def held(number: int, side: Side) -> Leg:
    return leg(number, side, RECEIVED, is_held=True)


@pytest.mark.parametrize(
    ("legs", "deed", "numbers"),
    [
        ([held(1, SELL), held(2, BUY)], Deed.CHECK, [1, 2]),
        ([held(1, SELL), leg(2, BUY, RECEIVED)], Deed.AWAIT, [2]),
        ([held(1, SELL), leg(2, BUY, WORKING), leg(3, BUY, FILLED)], Deed.AWAIT, [2]),
        ([held(1, SELL), leg(2, BUY, FILLED)], Deed.RELEASE, [1]),
        ([leg(1, SELL, RECEIVED), leg(2, BUY, FILLED)], Deed.AWAIT, [1]),
        ([leg(1, SELL, FILLED), leg(2, BUY, FILLED)], Deed.FINISH, []),
        ([held(1, SELL), leg(2, BUY, DENIED)], Deed.CANCEL, [1]),
        ([held(1, SELL), leg(2, BUY, CANCELED, 5), leg(3, BUY, WORKING)], Deed.CANCEL, [1, 3]),
        ([leg(1, SELL, CANCELED), leg(2, BUY, FILLED)], Deed.FINISH, []),
    ],
)
def test_hedges_come_before_sales_and_a_refusal_before_all(
    legs: list[Leg], deed: Deed, numbers: list[int]
) -> None:
    step = next_step(legs, KEEP)

    assert (step.deed, [leg.number for leg in step.legs]) == (deed, numbers)


SHORT, HEDGE, REFUSED = leg(1, SELL, FILLED), leg(2, BUY, FILLED), leg(3, SELL, CANCELED)


@pytest.mark.parametrize(
    ("exits", "deed", "numbers"),
    [
        ([], Deed.EXIT, [1]),
        ([leg(1, BUY, RECEIVED, is_held=True, attempt=1)], Deed.RELEASE, [1]),
        ([leg(1, BUY, RECEIVED, attempt=1)], Deed.AWAIT, [1]),
        ([leg(1, BUY, CANCELED, attempt=1)], Deed.EXIT, [1]),
        ([leg(1, BUY, FILLED, attempt=1)], Deed.EXIT, [2]),
        ([leg(1, BUY, FILLED, attempt=1), leg(2, SELL, FILLED, attempt=1)], Deed.FINISH, []),
        ([leg(1, BUY, DENIED, attempt=n) for n in range(1, MAX_EXITS + 1)], Deed.FINISH, []),
    ],
)
def test_flattening_closes_what_is_short_before_what_hedges_it(
    exits: list[Leg], deed: Deed, numbers: list[int]
) -> None:
    step = next_step([SHORT, HEDGE, REFUSED, *exits], FLATTEN)

    assert (step.deed, [leg.number for leg in step.legs]) == (deed, numbers)


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
    assert result(orders, choice) is expected


def test_what_is_left_is_what_the_exits_have_not_closed() -> None:
    partial = leg(2, SELL, CANCELED, 40, attempt=1)

    assert left([SHORT, HEDGE, partial]) == {1: 65, 2: 25}
