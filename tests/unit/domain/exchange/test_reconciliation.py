"""What differs between two books is named with both values, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.exchange.reconciliation import (
    BookState,
    BrokerState,
    Difference,
    DifferenceKind,
    StatedExecution,
    StatedOrder,
    compare,
    confirmed,
)
from angel_x.domain.orders.order import Side

TAG, CONTRACT = "angel-x-1", "NIFTY_25AUG26_24000CE"
ORDER = StatedOrder(CONTRACT, Side.BUY, 130, 65, Decimal("100.00"), None, is_open=True)
FILL = StatedExecution(TAG, 65, Decimal("99.50"))
STATE = BookState(
    orders={TAG: ORDER},
    executions={"7-1": FILL},
    positions={(CONTRACT, "NRML"): 65},
    cash=Decimal("1000.00"),
)
CLOSED = replace(ORDER, is_open=False)


def found(
    theirs: BookState = STATE, ours: BookState = STATE, **broker: Any
) -> list[tuple[str, str, str, str]]:
    differences = compare(BrokerState(book=theirs, **broker), ours, tolerance=Decimal(1))
    return [(each.kind.value, each.subject, each.broker, each.database) for each in differences]


def with_order(order: StatedOrder | None) -> BookState:
    return replace(STATE, orders={} if order is None else {TAG: order})


def with_fill(fill: StatedExecution | None) -> BookState:
    return replace(STATE, executions={} if fill is None else {"7-1": fill})


TERMS = f"BUY 130 {CONTRACT} at 100.00, trigger none"


@pytest.mark.parametrize(
    ("theirs", "ours", "difference"),
    [
        (with_order(None), STATE, ("order_absent", TAG, "absent", TERMS)),
        (STATE, with_order(None), ("order_unrecorded", TAG, TERMS, "absent")),
        (with_order(CLOSED), STATE, ("order_state", TAG, "closed", "open")),
        (STATE, with_order(CLOSED), ("order_state", TAG, "open", "closed")),
        (STATE, with_order(replace(ORDER, filled=0)), ("order_filled", TAG, "65", "0")),
        (
            with_order(replace(ORDER, limit_price=Decimal(101))),
            STATE,
            ("order_terms", TAG, TERMS.replace("100", "101"), TERMS),
        ),
        (
            with_order(replace(ORDER, quantity=65)),
            STATE,
            ("order_terms", TAG, TERMS.replace("130", "65"), TERMS),
        ),
        (with_fill(None), STATE, ("fill_absent", "7-1", "absent", f"65 at 99.50 of {TAG}")),
        (STATE, with_fill(None), ("fill_unrecorded", "7-1", f"65 at 99.50 of {TAG}", "absent")),
        (
            with_fill(replace(FILL, price=Decimal("99.55"))),
            STATE,
            ("fill_terms", "7-1", f"65 at 99.55 of {TAG}", f"65 at 99.50 of {TAG}"),
        ),
        (replace(STATE, positions={}), STATE, ("position", f"{CONTRACT} NRML", "0", "65")),
        (
            replace(STATE, cash=Decimal("1001.01")),
            STATE,
            ("funds", "cash", "1001.01", "1000.00"),
        ),
    ],
)
def test_a_difference_is_named_with_both_values(
    theirs: BookState, ours: BookState, difference: tuple[str, str, str, str]
) -> None:
    assert found(theirs, ours) == [difference]


def test_equal_books_have_no_difference() -> None:
    later = replace(STATE, cash=Decimal("1001.00"), positions={**STATE.positions, ("X", "MIS"): 0})

    assert found() == []
    assert found(later) == []


def test_closed_orders_are_compared_by_what_has_traded_only() -> None:
    """A closed order that the broker does not name any more is of an earlier day."""
    assert found(with_order(replace(CLOSED, limit_price=Decimal(90))), with_order(CLOSED)) == []
    assert found(with_order(None), with_order(CLOSED)) == []


def test_two_orders_under_one_tag_are_a_difference() -> None:
    assert found(doubled={TAG: 2}) == [("order_doubled", TAG, "2 orders", "1 order")]


def test_an_order_with_an_unanswered_request_is_left_out_with_all_that_hangs_on_it() -> None:
    pending = replace(STATE, executions={}, positions={}, pending=frozenset({TAG}))

    assert found(ours=pending) == []
    # What it has traded there has moved the cash there only.
    assert found(ours=replace(pending, cash=STATE.cash + 10_000)) == []
    assert found(with_order(None), pending) == []
    other = replace(STATE, positions={**STATE.positions, ("OTHER", "NRML"): 65})
    assert [each[:2] for each in found(other, pending)] == [("position", "OTHER NRML")]


def test_a_difference_counts_if_two_looks_have_found_it_alike() -> None:
    kind = DifferenceKind.POSITION
    first = [Difference(kind, "a", "65", "0"), Difference(kind, "b", "65", "0")]
    second = [Difference(kind, "b", "65", "0"), Difference(kind, "a", "130", "65")]

    assert confirmed(first, second) == [second[0]]


PRICES = st.none() | st.decimals(1, 200, places=2)
STATES = st.builds(
    BookState,
    orders=st.dictionaries(
        st.sampled_from(["angel-x-1", "angel-x-2", "angel-x-3"]),
        st.builds(
            StatedOrder,
            contract=st.sampled_from([CONTRACT, "OTHER"]),
            side=st.sampled_from(Side),
            quantity=st.integers(1, 3),
            filled=st.integers(0, 3),
            limit_price=PRICES,
            trigger_price=PRICES,
            is_open=st.booleans(),
        ),
    ),
    executions=st.dictionaries(
        st.sampled_from("abc"),
        st.builds(
            StatedExecution,
            tag=st.just(TAG),
            quantity=st.integers(1, 3),
            price=st.decimals(1, 200, places=2),
        ),
    ),
    positions=st.dictionaries(
        st.tuples(st.sampled_from("xyz"), st.just("NRML")), st.integers(-2, 2)
    ),
    cash=st.decimals(0, 10, places=2),
)


@given(STATES, STATES)
def test_the_sides_are_compared_alike(first: BookState, second: BookState) -> None:
    there, here = found(first, second), found(second, first)

    assert found(first, first) == []
    swap = {
        "order_absent": "order_unrecorded",
        "fill_absent": "fill_unrecorded",
        "fill_unrecorded": "fill_absent",
    }
    missing = {"order_unrecorded", "order_absent"}
    # A closed order that one side does not name counts in one direction only.
    assert {
        (swap.get(kind, kind), subject, database, broker)
        for kind, subject, broker, database in there
        if kind not in missing
    } == {each for each in here if each[0] not in missing}
