"""Every move that the table does not hold is refused."""

from __future__ import annotations

from itertools import product

import pytest

from angel_x.domain.order import (
    CLOSED,
    OPEN,
    PLACED,
    RESTING,
    TRANSITIONS,
    OrderStatus,
    check_move,
)
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


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        (
            "received",
            "denied submitting rejected working trigger_pending partially_filled filled canceled "
            "expired",
        ),
        (
            "submitting",
            "rejected working trigger_pending partially_filled filled canceled expired",
        ),
        ("working", "partially_filled filled canceled expired"),
        ("trigger_pending", "rejected working partially_filled filled canceled expired"),
        ("partially_filled", "filled canceled expired"),
        ("denied", ""),
        ("rejected", ""),
        ("filled", ""),
        ("canceled", ""),
        ("expired", ""),
    ],
)
def test_every_legal_move_stands_in_the_table_and_is_let_through(source: str, targets: str) -> None:
    start = OrderStatus(source)

    assert {target.value for target in TRANSITIONS[start]} == set(targets.split())
    for target in targets.split():
        check_move(start, OrderStatus(target))
    if start in OPEN:
        check_move(start, start)


@pytest.mark.parametrize(
    ("group", "members"),
    [
        (OPEN, "received submitting working trigger_pending partially_filled"),
        (CLOSED, "denied rejected filled canceled expired"),
        (RESTING, "working trigger_pending partially_filled"),
        (PLACED, "submitting working trigger_pending partially_filled"),
    ],
)
def test_each_group_holds_its_statuses(group: frozenset[OrderStatus], members: str) -> None:
    assert {status.value for status in group} == set(members.split())
