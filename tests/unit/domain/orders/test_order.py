"""The table of moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from angel_x.domain.orders.order import (
    CLOSED,
    OPEN,
    TRANSITIONS,
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Side,
    Validity,
    check_move,
)
from angel_x.errors import IllegalTransition
from tests.builders.books import order


def test_every_status_is_open_or_closed() -> None:
    assert set(OrderStatus) == CLOSED | OPEN
    assert not CLOSED & OPEN
    expected = {
        OrderStatus.DENIED,
        OrderStatus.REJECTED,
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
    }
    assert expected == CLOSED


@pytest.mark.parametrize("source", sorted(CLOSED))
@pytest.mark.parametrize("target", sorted(OrderStatus))
def test_nothing_leaves_a_closed_status(source: OrderStatus, target: OrderStatus) -> None:
    with pytest.raises(IllegalTransition):
        check_move(source, target)


@pytest.mark.parametrize("status", sorted(OPEN))
def test_every_open_status_leads_to_a_closed_one(status: OrderStatus) -> None:
    reached, frontier = set(), {status}
    while frontier:
        reached |= frontier
        frontier = {t for s in frontier for t in TRANSITIONS[s]} - reached

    assert reached & CLOSED


def test_only_a_received_order_can_be_denied() -> None:
    can = {s for s in OrderStatus if OrderStatus.DENIED in TRANSITIONS[s]}

    assert can == {OrderStatus.RECEIVED}


def test_nothing_becomes_received_again() -> None:
    assert not [s for s in OrderStatus if OrderStatus.RECEIVED in TRANSITIONS[s]]


def test_sides_have_opposite_signs() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)


@pytest.mark.parametrize(
    ("value", "units", "average"),
    [
        ("0.00", 0, None),
        ("100.00", 65, "1.5385"),
        ("6500.00", 65, "100.0000"),
        ("200.00", 195, "1.0256"),
        # Halves go to the even side.
        ("0.05", 1000, "0.0000"),
        ("0.15", 1000, "0.0002"),
    ],
)
def test_an_average_price_has_four_places(value: str, units: int, average: str | None) -> None:
    one = replace(order(Side.BUY, 1300), traded_value=Decimal(value), filled_quantity=units)

    assert (None if one.average_price is None else str(one.average_price)) == average
    assert one.leaves_quantity == 1300 - units


ORDER = Order(
    id=1,
    user_id=1,
    symbol="NIFTY_25AUG26_24050CE",
    side=Side.BUY,
    quantity=195,
    filled_quantity=0,
    order_type=OrderType.LIMIT,
    limit_price=Decimal(100),
    validity=Validity.DAY,
    priority=Priority.NORMAL,
    status=OrderStatus.RECEIVED,
    valid_until=datetime(2026, 11, 23, 10, tzinfo=UTC),
    client_order_id="a",
)


@pytest.mark.parametrize(
    ("filled", "value", "leaves", "average"),
    [
        (0, "0", 195, None),
        (65, "6500", 130, "100.0000"),
        (195, "20000", 0, "102.5641"),
    ],
)
def test_what_has_traded_is_taken_from_the_quantity_and_has_an_average(
    filled: int, value: str, leaves: int, average: str | None
) -> None:
    order = replace(ORDER, filled_quantity=filled, traded_value=Decimal(value))

    assert order.leaves_quantity == leaves
    assert order.average_price == (None if average is None else Decimal(average))
    assert average is None or str(order.average_price) == average


def test_a_slice_was_asked_for_with_its_whole_parent() -> None:
    assert ORDER.asked_quantity == 195
    assert replace(ORDER, parent_id=7, parent_quantity=1_950).asked_quantity == 1_950


@pytest.mark.parametrize(
    ("name", "is_exit"), [("square-off 1", True), ("square-off", False), ("a square-off 1", False)]
)
def test_an_exit_is_told_by_how_its_id_begins(name: str, *, is_exit: bool) -> None:
    assert replace(ORDER, client_order_id=name).is_exit is is_exit


def test_a_new_order_has_neither_attempts_nor_money_nor_age() -> None:
    assert (ORDER.attempt, ORDER.reserved, ORDER.traded_value) == (0, Decimal(0), Decimal(0))
    assert (ORDER.time_priority, ORDER.age_seconds) == (0, 0.0)
