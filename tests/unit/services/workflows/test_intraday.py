"""The cut-off of intraday trading: whose square-off is started, under which key, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from angel_x.domain.orders.order import OrderStatus, Product, Side
from angel_x.domain.workflows.workflow import WorkflowKind, WorkflowStatus
from angel_x.services.workflows.intraday import IntradayClose
from tests.builders.desk import Desk
from tests.builders.paper import CALL, LOT, PUT

MIS = Product.INTRADAY
CUT_OFF, CLOSE = (datetime(2026, 8, 19, *at, tzinfo=UTC) for at in ((9, 50), (10, 10)))
BEFORE = datetime(2026, 8, 19, 9, 49, 59, 999999, tzinfo=UTC)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def close(desk: Desk) -> IntradayClose:
    return IntradayClose(
        accounts=desk.holdings.intraday_accounts,
        square_off=desk.square_off,
        rule=desk.rule,
        market_clock=desk.clock,
    )


def hold(desk: Desk, product: Product = MIS) -> int:
    user = desk.account()
    desk.place(user, Side.BUY, CALL, product=product)
    return user


def offer(desk: Desk, product: Product = MIS) -> int:
    """Open an account that has an order and holds nothing."""
    user = desk.account()
    desk.place(user, Side.BUY, PUT, limit_price=Decimal(95), product=product)
    return user


def test_accounts_with_an_intraday_position_or_only_an_order_are_squared_off(
    desk: Desk, close: IntradayClose
) -> None:
    holder, bidder = hold(desk), offer(desk)
    hold(desk, Product.NORMAL)
    offer(desk, Product.NORMAL)
    desk.move_to(CUT_OFF)

    assert close.run() == 2

    started = list(desk.workflows.stored.values())
    assert [(w.user_id, w.kind, w.key, w.actor) for w in started] == [
        (user, WorkflowKind.SQUARE_OFF, "mis 2026-08-19", "cut-off") for user in (holder, bidder)
    ]
    for workflow in started:
        spec = workflow.spec
        assert (spec["product"], spec["symbol"], spec["underlying"]) == ("MIS", None, None)
        assert spec["reason"] == "INTRADAY_CUTOFF"
        assert spec["ends_at"] == CLOSE.isoformat()
        desk.step(workflow)
    assert [str(w.status) for w in desk.workflows.stored.values()] == ["done", "done"]
    assert list(desk.held.values()) == [LOT]
    assert {place[2] for place in desk.held} == {Product.NORMAL}


@pytest.mark.parametrize(
    ("at", "count"),
    [(BEFORE, 0), (CUT_OFF, 1), (CLOSE.replace(minute=9, second=59), 1), (CLOSE, 0)],
)
def test_it_starts_from_the_cut_off_to_the_close(
    desk: Desk, close: IntradayClose, at: datetime, count: int
) -> None:
    hold(desk)
    desk.clock.now = at

    assert close.run() == count
    assert len(desk.workflows.stored) == count


def test_a_second_look_finds_what_runs_and_rings_for_it_again(
    desk: Desk, close: IntradayClose
) -> None:
    hold(desk)
    desk.move_to(CUT_OFF)
    close.run()

    assert close.run() == 0
    assert list(desk.workflows.stored) == [1]
    assert desk.dispatcher.advanced == [(1, True), (1, True)]


def test_an_account_that_has_something_again_gets_the_next_number(
    desk: Desk, close: IntradayClose
) -> None:
    user = hold(desk)
    desk.move_to(CUT_OFF)
    for ended in range(3):
        assert close.run() == 1
        (workflow,) = (
            w for w in desk.workflows.stored.values() if w.status is WorkflowStatus.RUNNING
        )
        assert desk.step(workflow).flat
        assert close.run() == 0
        assert len(desk.workflows.stored) == ended + 1
        # It slipped in behind the square-off.
        desk.place(user, Side.BUY, CALL, product=MIS)

    assert [w.key for w in desk.workflows.stored.values()] == [
        "mis 2026-08-19", "mis 2026-08-19 2", "mis 2026-08-19 3",
    ]  # fmt: skip
    assert {str(o.status) for o in desk.sent} == {OrderStatus.FILLED.value}
