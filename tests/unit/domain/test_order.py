"""The table of moves."""

from __future__ import annotations

import pytest

from angel_x.domain.order import CLOSED, OPEN, TRANSITIONS, OrderStatus, Side, check_move
from angel_x.errors import IllegalTransition


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
