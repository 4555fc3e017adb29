"""Positions: what is opened and closed, and what of a closed one goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.position import Closing, Position
from angel_x.domain.orders.order import Product, Side
from tests.builders.books import HELD, SYMBOL, USER, book, order, terms

OPENED = datetime(2026, 8, 17, 4, 30, tzinfo=UTC)
NRML, MIS = Product.NORMAL, Product.INTRADAY


def position(quantity: int, cost: str, realised: str = "0.00") -> Position:
    return Position(USER, SYMBOL, NRML, quantity, Decimal(cost), Decimal(realised), 7, OPENED)


@pytest.mark.parametrize(
    ("side", "quantity", "cost", "change"),
    [(Side.BUY, 95, "4537.00", "37.00"), (Side.SELL, -95, "-4537.00", "-37.00")],
)
def test_opening_adds_units_and_what_they_cost(
    side: Side, quantity: int, cost: str, change: str
) -> None:
    one = position(-75 if side is Side.SELL else 75, "-4500" if side is Side.SELL else "4500")

    assert one.open(side, 20, Decimal("1.85")) == Decimal(change)

    assert one == position(quantity, cost)


@pytest.mark.parametrize(
    ("held", "cost", "side", "cost_closed", "left", "realised"),
    [
        # 100 units of 130 at 1.00000: 100.00 of cost.
        (130, "130.00", Side.SELL, "100.00", "30.00", "5.00"),
        (-130, "-130.00", Side.BUY, "-100.00", "-30.00", "-5.00"),
        # 100 / 3 * 100 / 130 is 25.6410...; halves are rounded away from zero.
        (130, "33.33", Side.SELL, "25.64", "7.69", "79.36"),
        (-200, "-0.01", Side.BUY, "-0.01", "0.00", "-104.99"),
        (200, "0.01", Side.SELL, "0.01", "0.00", "104.99"),
    ],
)
def test_closing_a_part_takes_its_share_of_the_cost_rounded_to_the_paisa(
    held: int, cost: str, side: Side, cost_closed: str, left: str, realised: str
) -> None:
    one = position(held, cost, "2.00")

    closing = one.close(side, 100, Decimal("1.05"))

    assert closing == Closing(
        Side.BUY if held > 0 else Side.SELL,
        100,
        abs(Decimal(cost_closed)) / 100,
        Decimal("1.05"),
        Decimal(realised),
        OPENED,
    )
    assert one == position(
        held - 100 if held > 0 else held + 100, left, str(Decimal(2) + Decimal(realised))
    )
    assert not one.is_flat


def test_the_last_unit_takes_the_remainder_along() -> None:
    one = position(3, "100.00")

    parts = [one.close(Side.SELL, 1, Decimal(40)) for _ in range(3)]

    assert [part.realised_pnl for part in parts] == [
        Decimal("6.67"),
        Decimal("6.66"),
        Decimal("6.67"),
    ]
    assert one.is_flat
    assert (one.cost, one.realised_pnl) == (Decimal(0), Decimal(20))


def stored(quantity: int, cost: str) -> Book:
    """Return a book with a position that was stored before this batch."""
    it = book()
    it.positions[HELD] = position(quantity, cost, "12.00")
    it.exposures[USER, SYMBOL] = Exposure(USER, SYMBOL, quantity)
    return it


def test_a_stored_position_that_is_closed_ends_with_its_row() -> None:
    it = stored(65, "6500.00")

    it.decide(order(Side.SELL), terms("101.00"))

    assert it.flattened == [position(0, "0.00", "77.00")]
    assert not it.positions
    [(user_id, symbol, closing)] = it.trades
    assert (user_id, symbol, closing.entry_time) == (USER, SYMBOL, OPENED)


def test_what_is_reopened_is_another_position_with_nothing_of_the_one_before() -> None:
    it = stored(65, "6500.00")
    it.decide(order(Side.SELL), terms("101.00"))

    it.decide(order(Side.BUY), terms("90.00"))
    assert it.positions == {HELD: Position(*HELD, 65, Decimal(5850))}
    it.decide(order(Side.SELL), terms("91.00"))

    assert it.flattened == [
        position(0, "0.00", "77.00"),
        Position(*HELD, 0, Decimal(0), Decimal(65)),
    ]
    assert [t.entry_time for _, _, t in it.trades] == [OPENED, None]
    assert [t.realised_pnl for _, _, t in it.trades] == [65, 65]
    assert it.accounts[USER].realised_pnl == 130


@pytest.mark.parametrize(
    ("side", "held", "cost", "realised"),
    [(Side.SELL, 65, "6500.00", "-650"), (Side.BUY, -65, "-5850.00", "0")],
)
def test_one_fill_through_zero_ends_a_row_and_begins_another(
    side: Side, held: int, cost: str, realised: str
) -> None:
    it = stored(held, cost)

    it.decide(order(side, 195), terms("90.00", units=195))

    after = side.sign * 130
    assert it.flattened == [position(0, "0.00", str(12 + Decimal(realised)))]
    assert it.positions == {HELD: Position(*HELD, after, Decimal(after * 90))}
    [(_, _, closing)] = it.trades
    assert (closing.quantity, closing.realised_pnl) == (65, Decimal(realised))
    assert it.exposures[USER, SYMBOL].net_quantity == after
    assert sum(e.amount for e in it.entries) == 0


def test_each_product_has_a_position_of_its_own() -> None:
    it = book()
    for side, product, price in (
        (Side.BUY, NRML, "100.00"),
        (Side.SELL, MIS, "110.00"),
        (Side.BUY, NRML, "101.00"),
        (Side.BUY, MIS, "104.00"),
    ):
        it.decide(replace(order(side), product=product), terms(price))

    assert it.positions == {HELD: Position(*HELD, 130, Decimal(13_065))}
    assert it.flattened == [Position(USER, SYMBOL, MIS, 0, Decimal(0), Decimal(390))]
    assert [(t.side, t.realised_pnl) for _, _, t in it.trades] == [(Side.SELL, Decimal(390))]
    assert it.exposures[USER, SYMBOL].net_quantity == 130
    assert it.accounts[USER].margin_used == 0


def test_a_fill_bears_the_name_that_its_venue_gave_it() -> None:
    it, one = book(), order(Side.BUY, 195, limit="100")
    it.decide(one, replace(terms("99.00"), execution_id="first"))
    it.match(one, replace(terms("100.00"), execution_id="second"))

    assert [(f.execution_id, f.quantity, f.price) for f in it.fills] == [
        ("first", 65, Decimal("99.00")),
        ("second", 65, Decimal("100.00")),
    ]
    assert {(e.user_id, e.order_id) for e in it.entries} == {(USER, one.id)}
    assert one.average_price == Decimal("99.5000")
