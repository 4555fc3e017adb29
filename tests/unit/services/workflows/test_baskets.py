"""Accepting baskets in memory: once under a name, with its legs held, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.orders.order import OrderStatus, Side
from angel_x.domain.records.order_record import OrderFilter, OrderRecord
from angel_x.domain.workflows.basket import BasketRecord, BasketRequest, OnRefusal
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.errors import (
    AngelXError,
    IdempotencyConflict,
    InvalidOrder,
    QueueFull,
    WorkflowNotFound,
)
from angel_x.services.intake.acceptance import Submission
from angel_x.services.intake.admission import Admission
from angel_x.services.intake.submissions import Submissions
from angel_x.services.workflows.baskets import Baskets
from tests.builders.basket_desk import BasketDesk
from tests.builders.desk import request
from tests.builders.paper import CALL, LOT, PUT


class Gate(Admission):
    """Lets everything in, or refuses everything."""

    def __init__(self) -> None:
        self.refusal: AngelXError | None = None
        self.asked = 0

    def admit(self, submissions: Sequence[Submission]) -> list[AngelXError | None]:
        self.asked += len(submissions)
        return [self.refusal for _ in submissions]


def no_orders(
    _user_id: int, _wanted: OrderFilter, _before_id: int, _limit: int
) -> list[OrderRecord]:
    return []


class Counter:
    """A desk with baskets, and one account."""

    def __init__(self) -> None:
        self.desk, self.gate = BasketDesk(), Gate()
        self.user = self.desk.account()
        self.baskets = Baskets(
            workflows=self.desk.workflows,
            orders=self.desk.basket_orders,
            read_orders=no_orders,
            submissions=Submissions(
                check=self.desk.order_check,
                admission=self.gate,
                acceptance=self.desk.acceptance,
                meter=self.desk.exchange.meter,
            ),
            dispatcher=self.desk.dispatcher,
        )

    def submit(self, basket: BasketRequest) -> tuple[BasketRecord, bool]:
        return self.baskets.submit(self.user, basket, "ann")

    def assert_empty(self) -> None:
        assert not self.desk.workflows.stored
        assert not self.desk.tables.rows
        assert not self.desk.dispatcher.advanced


LEGS = (
    request(Side.SELL, PUT, limit_price=Decimal(110)),
    request(Side.BUY, CALL, limit_price=Decimal(95)),
)
BASKET = BasketRequest("spread", LEGS)


@pytest.fixture
def counter() -> Counter:
    return Counter()


def test_a_new_basket_is_stored_with_its_legs_held_and_rung_for(counter: Counter) -> None:
    record, is_new = counter.submit(replace(BASKET, on_refusal=OnRefusal.FLATTEN))

    assert is_new
    assert (record.basket_id, record.status, record.result) == (
        "spread", WorkflowStatus.RUNNING, None,
    )  # fmt: skip
    assert record.on_refusal is OnRefusal.FLATTEN
    (workflow,) = counter.desk.workflows.stored.values()
    assert (workflow.user_id, workflow.key, workflow.actor) == (counter.user, "spread", "ann")
    rows = list(counter.desk.tables.rows.values())
    assert [(r.order.client_order_id, r.order.side, r.order.symbol) for r in rows] == [
        ("basket spread 1", Side.SELL, PUT),
        ("basket spread 2", Side.BUY, CALL),
    ]
    assert [(r.held, r.basket_id, r.order.status) for r in rows] == [
        (True, workflow.id, OrderStatus.RECEIVED)
    ] * 2
    assert counter.desk.dispatcher.advanced == [(workflow.id, False)]
    assert counter.desk.dispatcher.rings == []


def test_the_same_basket_again_is_found_without_being_admitted_or_rung_for(
    counter: Counter,
) -> None:
    counter.submit(BASKET)
    counter.gate.refusal = QueueFull(5000, 5000)
    # A caller names its legs anew each time; the basket does not look at that.
    again = tuple(replace(leg, client_order_id="x") for leg in LEGS)

    record, is_new = counter.submit(replace(BASKET, orders=again))

    assert (record.basket_id, is_new) == ("spread", False)
    assert len(counter.desk.tables.rows) == 2
    assert len(counter.desk.dispatcher.advanced) == 1
    assert counter.gate.asked == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(BASKET, on_refusal=OnRefusal.FLATTEN),
        replace(BASKET, orders=LEGS[::-1]),
        replace(BASKET, orders=LEGS[:1]),
        replace(BASKET, orders=(LEGS[0], replace(LEGS[1], quantity=2 * LOT))),
    ],
    ids=["choice", "sequence", "number", "quantity"],
)
def test_other_content_under_a_name_is_a_conflict_and_stores_nothing(
    counter: Counter, other: BasketRequest
) -> None:
    counter.submit(BASKET)

    with pytest.raises(IdempotencyConflict):
        counter.submit(other)

    assert len(counter.desk.tables.rows) == 2
    assert len(counter.desk.workflows.stored) == 1
    assert len(counter.desk.dispatcher.advanced) == 1


def test_a_leg_that_cannot_be_accepted_keeps_the_basket_out(counter: Counter) -> None:
    odd = replace(BASKET, orders=(LEGS[0], replace(LEGS[1], quantity=LOT + 1)))

    with pytest.raises(InvalidOrder) as caught:
        counter.submit(odd)

    assert [(fault.index, fault.field) for fault in caught.value.faults] == [(1, "quantity")]
    counter.assert_empty()


def test_a_full_queue_keeps_the_basket_out(counter: Counter) -> None:
    counter.gate.refusal = QueueFull(5000, 5000)

    with pytest.raises(QueueFull):
        counter.submit(BASKET)

    counter.assert_empty()


def test_no_other_account_reads_a_basket(counter: Counter) -> None:
    counter.submit(BASKET)

    assert counter.baskets.read(counter.user, "spread").basket_id == "spread"
    for user, name in ((counter.desk.account(), "spread"), (counter.user, "other")):
        with pytest.raises(WorkflowNotFound):
            counter.baskets.read(user, name)
