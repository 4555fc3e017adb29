"""The table of moves."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.order import CLOSED, OPEN, TRANSITIONS, OrderStatus, Side, check_move
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
