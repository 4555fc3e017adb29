"""Every move that the table does not hold is refused."""

from __future__ import annotations

from itertools import product

import pytest

from angel_x.domain.order import CLOSED, OPEN, TRANSITIONS, OrderStatus, check_move
from angel_x.errors import IllegalTransition

ILLEGAL = [
    (source, target)
    for source, target in product(OrderStatus, OrderStatus)
    if target not in TRANSITIONS[source] and not (source is target and source in OPEN)
]


@pytest.mark.parametrize(("source", "target"), ILLEGAL)
def test_an_illegal_move_is_refused(source: OrderStatus, target: OrderStatus) -> None:
    with pytest.raises(IllegalTransition, match=f"{source} cannot become {target}"):
        check_move(source, target)


def test_what_is_closed_stays_closed() -> None:
    assert {source for source, _ in ILLEGAL if source in CLOSED} == CLOSED
    for source, target in product(CLOSED, OrderStatus):
        assert (source, target) in ILLEGAL


def test_nothing_is_received_twice() -> None:
    assert not any(OrderStatus.RECEIVED in targets for targets in TRANSITIONS.values())
