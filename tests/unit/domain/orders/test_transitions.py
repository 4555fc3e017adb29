"""Every move that the table holds is allowed, and every other one is refused."""

from __future__ import annotations

from itertools import product

import pytest

from angel_x.domain.orders.order import (
    ASKED,
    CLOSED,
    OPEN,
    PLACED,
    RESTING,
    TRANSITIONS,
    OrderStatus,
    check_move,
)
from angel_x.errors import IllegalTransition

#: Written out by hand: a move that the product allows or forbids by mistake must show here.
LEGAL = {
    "received": "denied submitting rejected working trigger_pending partially_filled filled "
    "canceled expired",
    "submitting": "rejected working trigger_pending partially_filled filled canceled expired "
    "pending_cancel",
    "trigger_pending": "working rejected partially_filled filled canceled expired pending_cancel "
    "pending_amend",
    "working": "partially_filled filled canceled expired pending_cancel pending_amend",
    "partially_filled": "filled canceled expired pending_cancel pending_amend",
    "pending_amend": "rejected working trigger_pending partially_filled filled canceled expired "
    "pending_cancel",
    "pending_cancel": "rejected working trigger_pending partially_filled filled canceled expired",
    "denied": "",
    "rejected": "",
    "filled": "",
    "canceled": "",
    "expired": "",
}
#: Open orders may also stay where they are.
STAYING = {
    "received", "submitting", "trigger_pending", "working", "partially_filled", "pending_amend",
    "pending_cancel",
}  # fmt: skip


def is_legal(source: OrderStatus, target: OrderStatus) -> bool:
    return target in LEGAL[source].split() or (source is target and source in STAYING)


MOVES = list(product(OrderStatus, OrderStatus))
ILLEGAL = [move for move in MOVES if not is_legal(*move)]


def test_the_table_is_the_one_written_out() -> None:
    assert {s.value: {t.value for t in targets} for s, targets in TRANSITIONS.items()} == {
        source: set(targets.split()) for source, targets in LEGAL.items()
    }
    assert (len(MOVES), len(ILLEGAL)) == (144, 86)


@pytest.mark.parametrize(("source", "target"), [move for move in MOVES if is_legal(*move)])
def test_a_legal_move_is_let_through(source: OrderStatus, target: OrderStatus) -> None:
    check_move(source, target)


@pytest.mark.parametrize(("source", "target"), ILLEGAL)
def test_an_illegal_move_is_refused(source: OrderStatus, target: OrderStatus) -> None:
    with pytest.raises(IllegalTransition, match=f"{source} cannot become {target}"):
        check_move(source, target)


def test_the_groups_of_statuses_are_those_written_out() -> None:
    assert {s.value for s in OPEN} == STAYING
    assert {s.value for s in CLOSED} == {"denied", "rejected", "filled", "canceled", "expired"}
    assert {s.value for s in RESTING} == {"working", "trigger_pending", "partially_filled"}
    assert {s.value for s in PLACED} == {
        "working", "trigger_pending", "partially_filled", "submitting", "pending_amend",
        "pending_cancel",
    }  # fmt: skip
    assert {s.value for s in ASKED} == {"submitting", "pending_amend", "pending_cancel"}
