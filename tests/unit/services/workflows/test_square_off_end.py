"""When a square-off pauses, how it ends, and what it says of itself, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.orders.order import OrderStatus, Product, Side
from angel_x.domain.workflows.square_off import SquareOffLeg
from angel_x.domain.workflows.workflow import WorkflowKind, WorkflowStatus
from angel_x.errors import WorkflowNotFound
from tests.builders.desk import CLOSE, LARGEST, LIMIT, Desk
from tests.builders.paper import CALL, LOT, PUT

BUY, SELL = Side.BUY, Side.SELL
NRML, MIS = Product.NORMAL, Product.INTRADAY
DONE, FAILED, RUNNING = WorkflowStatus.DONE, WorkflowStatus.FAILED, WorkflowStatus.RUNNING


def test_a_step_that_closes_nothing_waits_longer_each_time_up_to_a_quarter_of_a_minute(
    desk: Desk, user: int
) -> None:
    desk.place(user, SELL, CALL)
    desk.close_offers()
    workflow, pauses = desk.start(user), []

    for _ in range(8):
        desk.step(workflow)
        pauses.append(desk.due_in(workflow))

    assert pauses == pytest.approx([0.5, 1, 2, 4, 8, 15, 15, 15])
    assert desk.workflows.stored[workflow.id].spec["stalls"] == 8
    assert len(desk.sent) == 8


def test_a_very_long_stall_still_has_a_pause(desk: Desk, user: int) -> None:
    desk.place(user, SELL, CALL)
    desk.close_offers()
    workflow = desk.start(user)
    stored = desk.workflows.stored[workflow.id]
    desk.workflows.stored[workflow.id] = replace(stored, spec=stored.spec | {"stalls": 5000})

    desk.step(workflow)

    assert desk.due_in(workflow) == pytest.approx(15)


def test_whatever_closes_something_begins_its_pauses_anew(desk: Desk, user: int) -> None:
    desk.place(user, SELL, CALL, 3 * LOT)
    desk.close_offers()
    workflow = desk.start(user)
    desk.step(workflow)
    desk.step(workflow)

    desk.quote(CALL, size=LOT)
    record = desk.step(workflow)

    assert (record.status, record.left[0].quantity) == (RUNNING, -2 * LOT)
    assert desk.workflows.stored[workflow.id].spec["stalls"] == 0
    assert desk.due_in(workflow) == pytest.approx(0.25)


def test_one_step_takes_twenty_rounds_at_most(
    desk: Desk, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.place(user, BUY, CALL, LARGEST)
    desk.quote(CALL, size=LOT)
    run = desk.execution.run_exactly

    def decide(order_ids: Sequence[int]) -> int:
        """Offer another lot each time that orders have been decided."""
        decided = run(order_ids)
        desk.quote(CALL, size=LOT + len(desk.sent))
        return decided

    monkeypatch.setattr(desk.execution, "run_exactly", decide)
    workflow = desk.start(user)

    record = desk.step(workflow)

    assert (record.status, len(desk.sent)) == (RUNNING, 20)
    assert desk.workflows.stored[workflow.id].spec["stalls"] == 0


def test_it_ends_once_nothing_is_held_or_open(desk: Desk, user: int) -> None:
    desk.place(user, BUY, CALL)
    workflow = desk.start(user)

    record = desk.step(workflow)

    stored = desk.workflows.stored[workflow.id]
    assert (stored.status, stored.outcome) == (DONE, {"flat": True, "left": [], "open_orders": 0})
    assert (record.flat, record.left, record.open_orders) == (True, (), 0)
    assert desk.events.published[-1]["status"] == "done"


def test_it_does_not_end_while_an_order_could_not_be_canceled(
    desk: Desk, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.place(user, BUY, PUT, limit_price=LIMIT)
    monkeypatch.setattr(desk.cancel_all, "sweep", lambda *_, **__: [])
    workflow = desk.start(user)

    record = desk.step(workflow)

    assert (record.status, record.flat, record.open_orders) == (RUNNING, False, 1)
    assert desk.workflows.stored[workflow.id].spec["stalls"] == 1


def test_it_does_not_end_while_an_exit_is_open(desk: Desk, user: int) -> None:
    workflow = desk.start(user)
    desk.leave_on_the_way(user, workflow.id)

    record = desk.step(workflow)

    assert (record.status, record.flat, record.open_orders) == (RUNNING, False, 1)


@pytest.mark.parametrize(
    ("late", "is_over"),
    [(timedelta(microseconds=-1), False), (timedelta(0), True), (timedelta(days=1), True)],
)
def test_from_the_close_on_nothing_is_sent_and_it_says_what_is_left(
    desk: Desk, user: int, late: timedelta, *, is_over: bool
) -> None:
    desk.place(user, SELL, CALL)
    desk.place(user, BUY, PUT, 2 * LOT, product=MIS)
    desk.close_offers()
    workflow = desk.start(user)
    desk.step(workflow)
    desk.quote(CALL)
    desk.move_to(CLOSE + late - timedelta(milliseconds=1))
    desk.clock.now = CLOSE + late

    record = desk.step(workflow)

    if not is_over:
        assert record.flat
        return
    stored = desk.workflows.stored[workflow.id]
    left = [
        {"symbol": CALL, "product": "NRML", "quantity": -LOT, "reason": "NO_QUOTE"},
        {"symbol": PUT, "product": "MIS", "quantity": 2 * LOT, "reason": None},
    ]
    assert (stored.status, stored.outcome) == (
        FAILED, {"flat": False, "open_orders": 0, "left": left},
    )  # fmt: skip
    assert stored.spec["order_ids"] == [order.id for order in desk.sent]
    assert len(desk.sent) == 1
    assert (record.flat, [(r.symbol, r.product, r.quantity, r.reason) for r in record.left]) == (
        False, [(CALL, NRML, -LOT, "NO_QUOTE"), (PUT, MIS, 2 * LOT, None)],
    )  # fmt: skip


def test_after_the_close_open_orders_are_still_canceled_and_then_it_is_done(
    desk: Desk, user: int
) -> None:
    resting = desk.place(user, BUY, PUT, limit_price=LIMIT)
    workflow = desk.start(user)
    desk.clock.now = CLOSE

    record = desk.step(workflow)

    assert (record.status, record.flat) == (DONE, True)
    assert desk.order(resting).status is OrderStatus.CANCELED


def test_at_the_close_it_says_how_many_orders_are_open(
    desk: Desk, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resting = [desk.place(user, BUY, PUT, limit_price=LIMIT) for _ in range(2)]
    monkeypatch.setattr(desk.cancel_all, "sweep", lambda *_, **__: [])
    workflow = desk.start(user)
    desk.leave_on_the_way(user, workflow.id)
    desk.clock.now = CLOSE

    record = desk.step(workflow)
    for order_id in resting:
        desk.put(order_id, OrderStatus.CANCELED)

    assert (record.status, record.flat, record.open_orders) == (FAILED, False, 3)
    again = desk.square_off.read(user, workflow.id)
    assert (again.flat, again.open_orders) == (False, 3)


def test_what_it_says_of_its_end_stays_whatever_is_traded_afterwards(desk: Desk, user: int) -> None:
    desk.place(user, BUY, CALL)
    workflow = desk.start(user)
    desk.step(workflow)
    desk.place(user, BUY, CALL)
    desk.place(user, BUY, PUT, limit_price=LIMIT)

    record = desk.square_off.read(user, workflow.id)

    assert (record.flat, record.left, record.open_orders) == (True, (), 0)


def test_one_that_was_given_up_is_not_flat_and_says_what_is_left_now(desk: Desk, user: int) -> None:
    desk.place(user, BUY, CALL)
    workflow = desk.start(user)
    stored = desk.workflows.stored[workflow.id]
    desk.workflows.stored[workflow.id] = replace(stored, rings=1000)

    record = desk.step(workflow)

    assert (record.status, record.flat, record.left[0].quantity) == (FAILED, False, LOT)
    assert desk.sent == []
    assert desk.order(1).status is OrderStatus.FILLED


def test_a_leg_adds_up_its_orders_and_shows_why_the_newest_did_not_get_there(
    desk: Desk, user: int
) -> None:
    desk.place(user, SELL, CALL, 3 * LOT)
    workflow = desk.start(user)
    for ask, size in ((10_100, LOT), (10_105, LOT), (0, LOT)):
        desk.quote(CALL, ask=ask, size=size)
        record = desk.step(workflow)

    assert record.legs == (
        SquareOffLeg(
            symbol=CALL,
            product=NRML,
            side=BUY,
            orders=len(desk.sent),
            filled_quantity=2 * LOT,
            average_price=Decimal("101.0250"),
            status=OrderStatus.DENIED,
            reason="NO_QUOTE",
        ),
    )
    assert (record.id, record.key, record.status) == (str(workflow.id), "out", RUNNING)
    assert [(r.symbol, r.product, r.quantity, r.reason) for r in record.left] == [
        (CALL, NRML, -LOT, "NO_QUOTE")
    ]
    assert (record.created_at, record.finished_at) == (workflow.created_at, None)


def test_a_leg_that_has_not_traded_has_no_average(desk: Desk, user: int) -> None:
    desk.place(user, SELL, CALL)
    desk.close_offers()

    (leg,) = desk.step(desk.start(user)).legs

    assert (leg.filled_quantity, leg.average_price) == (0, None)


def test_the_selection_is_told_with_the_record(desk: Desk, user: int) -> None:
    wanted = OrderSelection(symbol=CALL, underlying="NIFTY", product=MIS)

    record = desk.square_off.read(user, desk.start(user, wanted).id)

    assert (record.symbol, record.underlying, record.product) == (CALL, "NIFTY", MIS)


def test_neither_another_account_nor_another_kind_of_workflow_is_read(
    desk: Desk, user: int
) -> None:
    mine = desk.start(user)
    basket, _ = desk.workflows.start(
        user, WorkflowKind.BASKET, "b", request_hash=b"", spec={}, actor="ann"
    )

    for owner, workflow_id in ((desk.account(), mine.id), (user, basket.id), (user, 99)):
        with pytest.raises(WorkflowNotFound):
            desk.square_off.read(owner, workflow_id)
