"""What is checked before an order is stored, when it is refused, and until when it is valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from angel_x.domain.contracts.universe import Universe
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import OrderRequest, OrderStatus, Product, Side
from angel_x.errors import AngelXError, Fault, InvalidOrder, QueueFull
from angel_x.services.intake.acceptance import Accepted, Submission
from tests.builders.chains import MARKET_TIME
from tests.builders.reception import CALL, LARGEST, LOT, PUT, UNIVERSE, Reception, order, orders

RECEIVED = OrderStatus.RECEIVED
#: The close of the session that runs at MARKET_TIME.
CLOSE = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)
FULL = QueueFull(5000, 5000)


def submission(user_id: int, *requests: OrderRequest) -> Submission:
    return Submission(user_id, requests)


def faults(reception: Reception, *requests: OrderRequest) -> list[Fault]:
    with pytest.raises(InvalidOrder) as caught:
        reception.acceptance.check(submission(7, *requests))
    return list(caught.value.faults)


def test_what_fits_its_contract_passes_and_stores_nothing() -> None:
    reception = Reception()

    reception.acceptance.check(submission(7, *orders("ab")))

    assert (reception.stored, reception.rung) == ({}, [])


def test_every_fault_of_every_order_is_found() -> None:
    sent = (
        order("a", quantity=66),
        order("b"),
        replace(order("c", symbol="NIFTY_25AUG26_1CE"), limit_price=Decimal("1.03")),
        replace(order("d", quantity=1), limit_price=Decimal("1.03")),
    )

    found = faults(Reception(), *sent)

    assert [(f.index, f.field) for f in found] == [
        (0, "quantity"),
        (2, "symbol"),
        (3, "quantity"),
        (3, "price"),
    ]


def test_intraday_orders_are_refused_from_the_cut_off_to_the_close() -> None:
    intraday = order(product=Product.INTRADAY)

    (fault,) = faults(Reception(now=CLOSE - timedelta(minutes=20)), order(), intraday)

    assert (fault.index, fault.field, fault.value) == (1, "product", "MIS")
    Reception(now=MARKET_TIME).acceptance.check(submission(7, intraday))


@pytest.mark.parametrize("unsliced", [0, 200])
def test_slicing_makes_a_request_at_most_ten_thousand_orders(unsliced: int) -> None:
    largest = order(quantity=200 * LARGEST)
    sent = [largest] * ((10_000 - unsliced) // 200) + [order()] * unsliced
    reception = Reception()

    reception.acceptance.check(submission(7, *sent))
    (fault,) = faults(reception, *sent, order(quantity=LOT * 2), order())

    assert (fault.index, fault.field, fault.value) == (len(sent), "quantity", "130")
    assert fault.detail == "must not make the request more than 10000 orders by slicing"


def test_slices_are_counted_only_where_all_else_is_right() -> None:
    largest = order(quantity=200 * LARGEST)

    found = faults(Reception(), *[largest] * 51, order(symbol="NIFTY_25AUG26_1CE"))

    assert [(f.index, f.field) for f in found] == [(51, "symbol")]


def test_what_was_never_stored_is_refused() -> None:
    reception = Reception()

    assert reception.acceptance.refuse(submission(7, order()), FULL) is FULL
    assert reception.meter.added == []
    assert reception.stored == {}


def test_what_was_stored_before_is_answered_whatever_is_wrong_now() -> None:
    reception = Reception()
    reception.accept(7, *orders("ab"))
    reception.intake.become(2, OrderStatus.FILLED)
    reception.meter.added.clear()

    answer = reception.acceptance.refuse(submission(7, *orders("ab")), FULL)

    assert answer == (
        Accepted(1, "a", RECEIVED, replayed=True),
        Accepted(2, "b", OrderStatus.FILLED, replayed=True),
    )
    assert reception.meter.added == [(Metric.IDEMPOTENT_REPLAYS, 2, {})]
    assert len(reception.rung) == 1


@pytest.mark.parametrize(
    "sent",
    [
        (order("a", Side.SELL),),
        (order("a"), order("new")),
        (order("new"), order("a")),
        (order("a"), order("b", quantity=66)),
    ],
    ids=["other content", "one more", "one more before", "one of two differs"],
)
def test_a_known_id_is_no_receipt_for_anything_else(sent: tuple[OrderRequest, ...]) -> None:
    reception = Reception()
    reception.accept(7, *orders("ab"))

    assert reception.acceptance.refuse(submission(7, *sent), FULL) is FULL
    assert sorted(reception.stored) == [(7, "a"), (7, "b")]
    assert reception.counted(Metric.IDEMPOTENT_REPLAYS) == []


def test_the_order_of_another_account_is_no_receipt() -> None:
    reception = Reception()
    reception.accept(1, order("a"))

    assert reception.acceptance.refuse(submission(2, order("a")), FULL) is FULL


def test_orders_that_are_refused_are_counted_once_whatever_is_wrong_with_them() -> None:
    reception = Reception()
    faults = tuple(Fault(index, field, "", "is wrong") for index, field in ((0, "x"), (2, "x")))
    refusal: AngelXError = InvalidOrder((*faults, Fault(2, "y", "", "is wrong")))

    assert reception.acceptance.refuse(submission(7, *orders("abc")), refusal) is refusal
    assert reception.meter.added == [(Metric.ORDERS_REFUSED, 2, {})]


def test_an_order_is_valid_until_the_close_of_the_session() -> None:
    reception = Reception()

    reception.accept(7, order())

    assert [row.valid_until for row in reception.intake.rows] == [CLOSE]


def test_after_the_close_an_order_is_valid_until_the_next_one() -> None:
    reception = Reception(now=CLOSE)

    reception.accept(7, order())

    assert [row.valid_until for row in reception.intake.rows] == [CLOSE + timedelta(days=1)]


def test_an_order_is_not_valid_beyond_the_life_of_its_contract() -> None:
    ends = CLOSE - timedelta(hours=1)
    short = replace(UNIVERSE.contracts[UNIVERSE.rows[CALL]], expires_at=ends)
    long = UNIVERSE.contracts[UNIVERSE.rows[PUT]]
    reception = Reception(universe=Universe([short, replace(long, expires_at=ends)]))

    reception.accept(7, order("a", quantity=LARGEST + LOT))

    assert [row.valid_until for row in reception.intake.rows] == [ends] * 3


def test_an_order_is_cut_by_the_freeze_quantity() -> None:
    reception = Reception()

    (row,) = reception.acceptance.rows(submission(7, order(quantity=LARGEST + LOT)))

    assert row[4] == (LARGEST, LOT)


def test_what_has_left_the_list_since_its_check_is_stored_whole() -> None:
    gone = order(symbol="NIFTY_25AUG26_1CE", quantity=3 * LARGEST)

    ((_, request, _, until, slices),) = Reception().acceptance.rows(submission(7, gone))

    assert (request, until, slices) == (gone, CLOSE, ())
