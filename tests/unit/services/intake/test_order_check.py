"""The check of orders against their contracts, before any of them is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from angel_x.domain.orders.order import OrderRequest, Product
from angel_x.errors import Fault, InvalidOrder
from tests.builders.chains import MARKET_TIME
from tests.builders.reception import LARGEST, LOT, Reception, order, orders

#: The close of the session that runs at MARKET_TIME.
CLOSE = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)


def faults(reception: Reception, *requests: OrderRequest) -> list[Fault]:
    with pytest.raises(InvalidOrder) as caught:
        reception.order_check.check(requests)
    return list(caught.value.faults)


def test_what_fits_its_contract_passes_and_stores_nothing() -> None:
    reception = Reception()

    reception.order_check.check(orders("ab"))

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
    Reception(now=MARKET_TIME).order_check.check((intraday,))


@pytest.mark.parametrize("unsliced", [0, 200])
def test_slicing_makes_a_request_at_most_ten_thousand_orders(unsliced: int) -> None:
    largest = order(quantity=200 * LARGEST)
    sent = [largest] * ((10_000 - unsliced) // 200) + [order()] * unsliced
    reception = Reception()

    reception.order_check.check(sent)
    (fault,) = faults(reception, *sent, order(quantity=LOT * 2), order())

    assert (fault.index, fault.field, fault.value) == (len(sent), "quantity", "130")
    assert fault.detail == "must not make the request more than 10000 orders by slicing"


def test_slices_are_counted_only_where_all_else_is_right() -> None:
    largest = order(quantity=200 * LARGEST)

    found = faults(Reception(), *[largest] * 51, order(symbol="NIFTY_25AUG26_1CE"))

    assert [(f.index, f.field) for f in found] == [(51, "symbol")]
