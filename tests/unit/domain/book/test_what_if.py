"""Folding orders into a copy of a book."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.book.position import Position
from angel_x.domain.book.what_if import what_if
from angel_x.domain.exchange.charges import charge_table
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.margin.unit_risk import STEPS
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import (
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from config.market import table
from tests.builders.risk import Flat, flat

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
CHARGES = charge_table(table("charges")["options"]["NSE"]).on(NOW.date())
TERMS = Terms(None, CHARGES, limit_price=Decimal(100))


def order(order_id: int, side: Side, symbol: str = "A") -> Order:
    return Order(
        order_id, 1, symbol, side, 65, 0, OrderType.LIMIT, Decimal(100), Validity.DAY,
        Priority.NORMAL, OrderStatus.RECEIVED, NOW, f"c{order_id}",
    )  # fmt: skip


def book(cash: int) -> Book:
    account = Account(1, Decimal(cash), Decimal(0), Decimal(0))
    return Book({1: account}, {}, {}, margins=MarginPools(sheet=flat(Decimal(1000))))


def test_the_book_and_the_orders_stay_as_they_are() -> None:
    given, orders = book(1_000_000), [order(1, Side.BUY), order(2, Side.SELL, "B")]
    for symbol in "AC":
        given.exposures[1, symbol] = Exposure(1, symbol, 65)
        given.positions[1, symbol, Product.NORMAL] = Position(
            1, symbol, Product.NORMAL, 65, Decimal(6_500)
        )
    before = repr(given), repr(orders)

    trial = what_if(given, orders, [TERMS, TERMS])

    assert trial.refusals == {}
    assert trial.book.accounts[1].margin_used == 65_000
    assert (repr(given), repr(orders)) == before


def test_purchases_are_folded_first() -> None:
    # The sale alone would need margin; behind the purchase it only closes it.
    trial = what_if(book(7_000), [order(1, Side.SELL), order(2, Side.BUY)], [TERMS, TERMS])

    assert trial.refusals == {}
    assert trial.book.accounts[1].margin_used == 0


def test_what_the_market_or_the_margin_refuses_is_named() -> None:
    stale = replace(TERMS, denial=DenialReason.STALE_QUOTE)

    trial = what_if(
        book(20_000),
        [order(1, Side.BUY), order(2, Side.SELL, "B"), order(3, Side.SELL, "C")],
        [TERMS, TERMS, stale],
    )

    assert trial.refusals == {2: DenialReason.INSUFFICIENT_MARGIN, 3: DenialReason.STALE_QUOTE}


def test_orders_that_the_account_cannot_afford_show_their_needs_all_the_same() -> None:
    poor = book(0)
    straddle = [order(1, Side.SELL), order(2, Side.SELL, "B")]

    trial = what_if(poor, straddle, [TERMS, TERMS])

    assert set(trial.refusals.values()) == {DenialReason.INSUFFICIENT_MARGIN}
    assert trial.book.accounts[1].margin_used == 2 * 65_000
    assert trial.book.accounts[1].collateral == 0
    assert len(trial.book.fills) == 2


def test_an_order_whose_margin_is_unknown_is_refused_and_never_free_of_margin() -> None:
    blind = book(10**9)
    blind.margins.sheet = {}

    trial = what_if(blind, [order(1, Side.SELL, "NIFTY_25AUG26_24000CE")], [TERMS])

    assert trial.refusals == {1: DenialReason.NO_RISK_ARRAY}
    assert not trial.book.fills


def test_the_open_loss_of_the_account_stays_in_the_estimate() -> None:
    losing = book(1_000_000)
    losing.exposures[1, "B"] = Exposure(1, "B", -65)
    losing.open_pnl.costs[1, "B"] = Decimal(-6_500)
    losing.take_risks(Flat(replace(flat(Decimal(1000))["any"], price=300 * STEPS)))

    trial = what_if(losing, [], [])

    assert losing.accounts[1].short_pnl == trial.book.accounts[1].short_pnl == -200 * 65
    assert trial.book.accounts[1].free_balance == losing.accounts[1].free_balance == 987_000
