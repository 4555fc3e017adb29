"""How a square-off starts and what it sends, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import OrderStatus, OrderType, Priority, Product, Side, Validity
from angel_x.domain.workflows.workflow import WorkflowKind, WorkflowStatus
from angel_x.errors import IdempotencyConflict, UnknownContract
from tests.builders.desk import ALL, CLOSE, LARGEST, LIMIT, Desk, request
from tests.builders.paper import CALL, LOT, PUT

BUY, SELL = Side.BUY, Side.SELL
NRML, MIS = Product.NORMAL, Product.INTRADAY
DONE, FAILED, RUNNING = WorkflowStatus.DONE, WorkflowStatus.FAILED, WorkflowStatus.RUNNING


def test_it_is_stored_with_what_was_asked_for_and_rung_for_in_an_emergency(
    desk: Desk, user: int
) -> None:
    selection = OrderSelection(symbol=CALL, underlying="NIFTY", product=MIS)

    workflow, is_new = desk.square_off.start(
        user, selection, key="out", actor="ann", reason=CancelReason.INTRADAY_CUTOFF
    )

    assert is_new
    assert (workflow.user_id, workflow.kind, workflow.key) == (user, WorkflowKind.SQUARE_OFF, "out")
    assert (workflow.status, workflow.actor) == (RUNNING, "ann")
    assert workflow.spec == {
        "symbol": CALL,
        "underlying": "NIFTY",
        "product": "MIS",
        "reason": "INTRADAY_CUTOFF",
        "ends_at": CLOSE.isoformat(),
        "order_ids": [],
        "stalls": 0,
    }
    assert desk.dispatcher.advanced == [(workflow.id, True)]
    assert desk.start(user, key="other").spec["reason"] == "SQUARED_OFF"


def test_a_second_start_finds_the_first_and_rings_only_while_it_runs(desk: Desk, user: int) -> None:
    first = desk.start(user)
    again, is_new = desk.square_off.start(user, ALL, key="out", actor="bob")
    assert (again, is_new) == (first, False)
    assert desk.dispatcher.advanced == [(first.id, True)] * 2

    assert desk.step(first).status is DONE
    ended, is_new = desk.square_off.start(user, ALL, key="out", actor="bob")

    assert (ended.id, ended.status, is_new) == (first.id, DONE, False)
    assert len(desk.dispatcher.advanced) == 2


@pytest.mark.parametrize(
    "other",
    [OrderSelection(symbol=CALL), OrderSelection(product=NRML), OrderSelection(underlying="NIFTY")],
)
def test_a_key_stands_for_one_selection(desk: Desk, user: int, other: OrderSelection) -> None:
    first = desk.start(user)

    with pytest.raises(IdempotencyConflict):
        desk.start(user, other)

    assert list(desk.workflows.stored) == [first.id]
    assert len(desk.dispatcher.advanced) == 1


@pytest.mark.parametrize(
    "unknown", [OrderSelection(symbol="NIFTY_25AUG26_1CE"), OrderSelection(underlying="NIFTTY")]
)
def test_what_is_not_listed_and_not_held_is_refused_and_nothing_is_stored(
    desk: Desk, user: int, unknown: OrderSelection
) -> None:
    with pytest.raises(UnknownContract):
        desk.start(user, unknown)

    assert not desk.workflows.stored
    assert not desk.dispatcher.advanced


def delist(desk: Desk, user: int, *, is_held: bool) -> OrderSelection:
    """Let a contract be held or asked for that is listed no more."""
    order_id = desk.place(user, BUY, limit_price=None if is_held else LIMIT)
    gone = "NIFTY_25AUG26_1CE"
    desk.order(order_id).symbol = gone
    for place in [*desk.tables.positions]:
        desk.tables.positions[place[0], gone, place[2]] = replace(
            desk.tables.positions.pop(place), symbol=gone
        )
    return OrderSelection(symbol=gone)


@pytest.mark.parametrize("is_held", [True, False])
def test_what_is_not_listed_any_more_is_left_all_the_same(
    desk: Desk, user: int, *, is_held: bool
) -> None:
    assert desk.start(user, delist(desk, user, is_held=is_held)).status is RUNNING


def test_it_sends_immediate_orders_at_market_in_an_emergency_under_its_own_names(
    desk: Desk, user: int
) -> None:
    desk.place(user, SELL, CALL, product=MIS)
    desk.place(user, BUY, PUT)
    workflow = desk.start(user)

    assert desk.step(workflow).flat

    first, second = desk.sent
    assert [order.client_order_id for order in (first, second)] == [
        f"square-off {workflow.id} {n}" for n in (1, 2)
    ]
    for order in (first, second):
        assert (order.user_id, order.order_type, order.validity, order.priority) == (
            user, OrderType.MARKET, Validity.IOC, Priority.EMERGENCY,
        )  # fmt: skip
    assert (first.symbol, first.side, first.product, first.quantity) == (CALL, BUY, MIS, LOT)
    assert (second.symbol, second.side, second.product, second.quantity) == (PUT, SELL, NRML, LOT)
    assert {
        row.actor for row in desk.intake.rows if row.request.client_order_id.startswith("sq")
    } == {"ann"}
    assert desk.workflows.stored[workflow.id].spec["order_ids"] == [first.id, second.id]
    assert desk.held == {}


def test_what_is_short_is_bought_back_before_any_hedge_is_sold(desk: Desk, user: int) -> None:
    desk.place(user, BUY, PUT, 3 * LOT)
    desk.place(user, SELL, CALL)
    desk.close_offers()
    workflow = desk.start(user)

    assert desk.step(workflow).status is RUNNING
    assert [order.side for order in desk.sent] == [BUY]
    assert desk.held[user, PUT, NRML] == 3 * LOT

    desk.quote(CALL)
    assert desk.step(workflow).status is DONE
    assert [(order.side, order.status) for order in desk.sent] == [
        (BUY, OrderStatus.DENIED), (BUY, OrderStatus.FILLED), (SELL, OrderStatus.FILLED),
    ]  # fmt: skip


def test_a_position_is_sliced_by_the_freeze_quantity(desk: Desk, user: int) -> None:
    desk.place(user, BUY, CALL, 2 * LARGEST + LOT)

    assert desk.step(desk.start(user)).flat

    assert [order.quantity for order in desk.sent] == [LARGEST, LARGEST, LOT]


def test_a_round_sends_a_hundred_orders_and_the_next_one_the_rest(
    desk: Desk, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        desk.place(user, BUY, CALL, 60 * LARGEST)
    sizes: list[int] = []
    run = desk.execution.run_exactly

    def decide(order_ids: Sequence[int]) -> int:
        sizes.append(len(order_ids))
        return run(order_ids)

    monkeypatch.setattr(desk.execution, "run_exactly", decide)

    record = desk.step(desk.start(user))

    assert record.flat
    assert sizes == [100, 20]
    assert (len(desk.sent), len({o.client_order_id for o in desk.sent})) == (120, 120)
    assert record.legs[0].orders == 120


def test_only_what_was_selected_is_left_and_nothing_of_another_account(
    desk: Desk, user: int
) -> None:
    other = desk.account()
    for each in (user, other):
        desk.place(each, BUY, CALL)
        desk.place(each, BUY, CALL, product=MIS)
        desk.place(each, BUY, PUT, product=MIS)
    resting = [
        desk.place(each, BUY, PUT, limit_price=LIMIT, product=p)
        for each, p in ((user, MIS), (user, NRML), (other, MIS))
    ]

    record = desk.step(desk.start(user, OrderSelection(product=MIS)))

    assert record.flat
    assert desk.held == {
        (user, CALL, NRML): LOT,
        **{(other, *place): LOT for place in ((CALL, NRML), (CALL, MIS), (PUT, MIS))},
    }
    assert [str(desk.order(i).status) for i in resting] == ["canceled", "working", "working"]


def test_open_orders_are_canceled_in_its_name_before_anything_is_sent(
    desk: Desk, user: int
) -> None:
    desk.place(user, BUY, CALL)
    resting = desk.place(user, SELL, CALL, limit_price=Decimal(110))
    workflow, _ = desk.square_off.start(
        user, ALL, key="out", actor="ann", reason=CancelReason.INTRADAY_CUTOFF
    )

    assert desk.step(workflow).flat

    (event,) = [e for e in desk.tables.events if e.status is OrderStatus.CANCELED]
    assert (event.order_id, event.actor, event.reason) == (
        resting, "square-off", CancelReason.INTRADAY_CUTOFF,
    )  # fmt: skip
    assert desk.order(resting).status is OrderStatus.CANCELED


def test_orders_of_a_process_that_died_after_storing_them_are_used(desk: Desk, user: int) -> None:
    desk.place(user, SELL, CALL)
    workflow = desk.start(user)
    (stored,) = desk.accept(
        user,
        request(BUY, client_order_id=f"square-off {workflow.id} 1", validity=Validity.IOC,
                priority=Priority.EMERGENCY),
    )  # fmt: skip

    record = desk.step(workflow)

    assert record.flat
    assert [order.id for order in desk.sent] == [stored]
    assert desk.workflows.stored[workflow.id].spec["order_ids"] == [stored]


def test_while_an_exit_is_with_another_process_nothing_is_canceled_or_sent(
    desk: Desk, user: int
) -> None:
    desk.place(user, SELL, CALL, 2 * LOT)
    resting = desk.place(user, BUY, PUT, limit_price=LIMIT)
    workflow = desk.start(user)
    on_its_way = desk.leave_on_the_way(user, workflow.id)

    record = desk.step(workflow)

    assert (record.status, record.flat) == (RUNNING, False)
    assert [order.id for order in desk.sent] == [on_its_way]
    assert desk.order(resting).status is OrderStatus.WORKING
    assert desk.held[user, CALL, NRML] == -2 * LOT


def test_two_of_one_account_do_not_advance_at_once(desk: Desk, user: int) -> None:
    desk.place(user, SELL, CALL)
    resting = desk.place(user, BUY, PUT, limit_price=LIMIT)
    first, second = desk.start(user), desk.start(user, key="other")

    with desk.workflows.locked(first.id) as unit:
        assert unit is not None
        assert unit.alone()
        assert desk.step(second).status is RUNNING

    assert desk.sent == []
    assert desk.order(resting).status is OrderStatus.WORKING
    assert desk.due_in(second) == pytest.approx(0.25)
    assert desk.step(second).flat
