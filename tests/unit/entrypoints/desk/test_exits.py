from __future__ import annotations

from decimal import Decimal

import pytest

from angel_x.domain.book.control import ControlReceipt, ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import OrderStatus, Product, Side
from angel_x.domain.workflows.square_off import Remainder, SquareOffLeg, SquareOffRecord
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.desk.views.kill_switch import outcome, question
from angel_x.entrypoints.desk.views.square_off import progress
from angel_x.entrypoints.desk.views.words import Tone
from tests.fakes.desk_api import NOW, make_order

LEG = SquareOffLeg(
    symbol="NIFTY_25AUG26_24050CE",
    product=Product.NORMAL,
    side=Side.SELL,
    orders=1,
    filled_quantity=65,
    average_price=Decimal("198.5"),
    status=OrderStatus.FILLED,
    reason=None,
)
REST = Remainder(
    symbol="NIFTY_25AUG26_24100CE", product=Product.NORMAL, quantity=-65, reason="NO_QUOTE"
)


def receipt(*, settled: bool = True, state: TradingState = TradingState.HALTED) -> ControlReceipt:
    return ControlReceipt(
        scope=ControlScope.USER,
        name="demo",
        state=state,
        actor="key:1",
        reason=None,
        changed_at=NOW,
        settled=settled,
    )


def test_a_halt_tells_the_end_of_every_order_that_was_open() -> None:
    ended = [
        make_order(1, status=OrderStatus.CANCELED),
        make_order(2, status=OrderStatus.CANCELED),
        make_order(3, status=OrderStatus.FILLED),
        make_order(4, status=OrderStatus.WORKING),
    ]

    told = outcome(receipt(), ended)

    assert told.title == "This account is halted"
    assert "Of the open orders of this account: 2 canceled, 1 filled, 1 working." in told.lines
    assert told.lines[-1] == "NIFTY_25AUG26_24050CE BUY 130: working"


def test_a_halt_that_is_not_settled_says_so() -> None:
    assert "may yet be decided" in outcome(receipt(settled=False), []).lines[0]
    assert outcome(receipt(), []).lines[1] == "This account had no open orders."


def test_a_long_list_of_orders_is_cut_and_counted() -> None:
    told = outcome(receipt(), [make_order(n, status=OrderStatus.CANCELED) for n in range(20)])

    assert told.lines[-1] == "and 12 more"


def test_the_second_step_names_act_and_scope() -> None:
    assert question(TradingState.HALTED, ControlScope.SYSTEM) == "Halt the whole system?"
    assert question(TradingState.ACTIVE, ControlScope.USER) == "Resume this account?"


@pytest.mark.parametrize(
    ("status", "flat", "left", "title", "tone"),
    [
        (WorkflowStatus.RUNNING, False, (REST,), "running, 1 positions left", Tone.WARNING),
        (WorkflowStatus.DONE, True, (), "done, flat", Tone.GAIN),
        (WorkflowStatus.FAILED, False, (REST,), "failed, 1 positions left", Tone.LOSS),
    ],
)
def test_a_square_off_is_done_when_the_server_says_so(
    status: WorkflowStatus,
    *,
    flat: bool,
    left: tuple[Remainder, ...],
    title: str,
    tone: Tone,
) -> None:
    record = SquareOffRecord(
        id="1",
        key="k",
        status=status,
        symbol=None,
        underlying=None,
        product=None,
        flat=flat,
        legs=(LEG,),
        left=left,
        open_orders=0,
        created_at=NOW,
        finished_at=None,
    )

    told = progress("everything", record)

    assert (told.title, told.tone) == (f"Square-off of everything: {title}", tone)
    assert told.lines[0] == "NIFTY_25AUG26_24050CE: SELL 65 at 198.50, filled"
    assert ("NO_QUOTE" in told.lines[-1]) is bool(left)
