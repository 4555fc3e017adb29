"""ParentOrder books of several contracts, whatever happens to their orders and to the market."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.book.position import Position
from angel_x.domain.exchange.charges import charge_table
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.margin.losses import Losses
from angel_x.domain.margin.unit_risk import RiskSheet, UnitRisk, no_risks, to_rupees
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import (
    OPEN,
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from angel_x.domain.values.money import ZERO
from config.market import table
from tests.builders.risk_units import FAR, NEAR, naive_requirement, option

RATES = charge_table(table("charges")["options"]["NSE"]).on(date(2026, 11, 23))
UNITS = {
    f"NIFTY_{name}_{strike}{right}": option(strike, right, expiry)
    for strike, right, name, expiry in (
        (24_000, "CE", "25AUG26", NEAR),
        (24_300, "CE", "25AUG26", NEAR),
        (24_000, "PE", "25AUG26", NEAR),
        (24_000, "CE", "29SEP26", FAR),
    )
}
SYMBOLS = sorted(UNITS)
_ids = count(1)


def sheet(symbols: Collection[str], factor: int) -> RiskSheet:
    return {
        s: UnitRisk(
            u.expiry,
            u.source,
            Losses(x * factor // 2 for x in u.losses),
            u.mark * factor // 2,
            u.charge,
            u.spread,
        )
        for s, u in UNITS.items()
        if s in symbols
    }


def placed_order(symbol: str, side: Side, lots: int, price: Decimal) -> Order:
    number = next(_ids)
    return Order(
        number, 1, symbol, side, lots * 5, 0, OrderType.LIMIT, price, Validity.DAY, Priority.NORMAL,
        OrderStatus.RECEIVED, datetime(2026, 8, 25, 10, tzinfo=UTC), f"c{number}",
    )  # fmt: skip


STEP = st.tuples(
    st.sampled_from(["place", "send", "trade", "amend", "cancel"]),
    st.sampled_from(SYMBOLS),
    st.sampled_from(list(Side)),
    st.integers(1, 4),
    st.integers(0, 20),
    st.decimals("0.05", "400", places=2),
)
Step = tuple[str, str, Side, int, int, Decimal]


def act(it: Book, placed: list[Order], step: Step) -> None:
    action, symbol, side, lots, units, price = step
    if action in {"place", "send"}:
        order = placed_order(symbol, side, lots, price)
        offered = Terms(price, RATES, None, min(units, lots * 5), price)
        it.submit(order, offered) if action == "send" else it.decide(order, offered)
    elif placed:
        order = placed.pop(0)
        at = order.limit_price
        offered = Terms(at, RATES, None, min(units, order.leaves_quantity), at)
        if order.status is OrderStatus.SUBMITTING:
            it.settle(order, offered)
        elif action == "cancel":
            it.take_off(order, OrderStatus.CANCELED, CancelReason.REQUESTED)
        elif action == "amend":
            it.amend(order, Amendment(order.filled_quantity + lots * 5, price, None), offered)
        else:
            it.match(order, offered)
    else:
        return
    placed += [order] if order.status in OPEN else []


def check(it: Book, placed: list[Order]) -> None:
    account = it.accounts[1]
    held = it.margins.held().get((1, "NIFTY"), ZERO)
    assert account.margin_used == held + sum((o.reserved for o in placed), ZERO)
    assert held >= 0
    assert held == 0 or any(e.worst_quantity < 0 for e in it.exposures.values())


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(STEP, st.integers(1, 6)), max_size=30))
def test_whatever_the_market_does_margin_is_backed_and_never_negative(
    steps: list[tuple[Step, int]],
) -> None:
    it = Book({1: Account(1, Decimal(60_000), ZERO, ZERO)}, {}, {})
    placed: list[Order] = []
    for step, factor in steps:
        it = replace(it, margins=MarginPools(it.margins.held(), sheet(SYMBOLS, factor=factor)))
        act(it, placed, step)
        check(it, placed)
        it.cap_margins()
        check(it, placed)
        account = it.accounts[1]
        assert account.margin_used <= max(account.cash + account.collateral, ZERO)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(STEP, max_size=30))
def test_while_the_market_stands_still_no_subset_of_fills_needs_more_than_is_held(
    steps: list[Step],
) -> None:
    it = Book(
        {1: Account(1, Decimal(60_000), ZERO, ZERO)},
        {},
        {},
        margins=MarginPools(sheet=sheet(SYMBOLS, factor=2)),
    )
    placed: list[Order] = []
    for step in steps:
        act(it, placed, step)
        check(it, placed)
        worst = {e.symbol: e.worst_quantity for e in it.exposures.values() if e.worst_quantity}
        needed = naive_requirement(sheet(SYMBOLS, 2), worst) if worst else 0
        held = it.margins.held().get((1, "NIFTY"), ZERO)
        assert held >= to_rupees(needed)
        assert placed or held == to_rupees(needed)


def test_a_hedge_is_not_sold_by_an_account_that_cannot_carry_the_rest() -> None:
    it = Book(
        {1: Account(1, Decimal(9_000), ZERO, ZERO)},
        {},
        {},
        margins=MarginPools(sheet=sheet(SYMBOLS, factor=2)),
    )
    short, hedge = "NIFTY_25AUG26_24000CE", "NIFTY_25AUG26_24300CE"
    price = Decimal(50)
    for symbol, side in ((hedge, Side.BUY), (short, Side.SELL)):
        it.decide(placed_order(symbol, side, 1, price), Terms(price, RATES, None, 5, price))
    before = it.accounts[1].margin_used, dict(it.margins.held())

    it.decide(placed_order(hedge, Side.SELL, 1, price), Terms(price, RATES, None, 5, price))

    assert it.moves[-1].reason is DenialReason.INSUFFICIENT_MARGIN
    assert (it.accounts[1].margin_used, it.margins.held()) == before
    assert it.exposures[1, hedge].net_quantity == 5


SHORT, OTHER = "NIFTY_25AUG26_24000CE", "NIFTY_25AUG26_24300CE"


@pytest.mark.parametrize(
    ("held", "symbol", "side", "lots", "reason"),
    [
        ({}, OTHER, Side.SELL, 1, DenialReason.NO_RISK_ARRAY),
        ({}, OTHER, Side.BUY, 1, None),
        ({OTHER: 2}, OTHER, Side.SELL, 2, None),
        ({OTHER: 2}, OTHER, Side.SELL, 3, DenialReason.NO_RISK_ARRAY),
        ({OTHER: -2}, OTHER, Side.BUY, 1, None),
        ({OTHER: -2}, OTHER, Side.BUY, 3, None),
        ({OTHER: -2}, SHORT, Side.SELL, 1, DenialReason.NO_RISK_ARRAY),
        ({OTHER: -2}, SHORT, Side.BUY, 1, DenialReason.NO_RISK_ARRAY),
        ({SHORT: -2, OTHER: 2}, OTHER, Side.SELL, 2, DenialReason.NO_RISK_ARRAY),
        ({SHORT: -2, OTHER: 2}, SHORT, Side.BUY, 2, None),
    ],
)
def test_without_an_array_only_purchases_that_buy_back_pass_while_something_is_short(
    held: dict[str, int], symbol: str, side: Side, lots: int, reason: DenialReason | None
) -> None:
    risks = {**sheet(SYMBOLS, 1), **no_risks([OTHER])}
    pools = MarginPools({(1, "NIFTY"): Decimal(900)}, risks)
    it = Book({1: Account(1, Decimal(10**7), ZERO, ZERO)}, {}, {}, margins=pools)
    it.accounts[1].margin_used = Decimal(900)
    for name, many in held.items():
        it.exposures[1, name] = Exposure(1, name, many * 5)
        it.positions[1, name, Product.NORMAL] = Position(1, name, Product.NORMAL, many * 5)
    price = Decimal(50)

    it.decide(placed_order(symbol, side, lots, price), Terms(price, RATES, None, lots * 5, price))

    assert it.moves[-1].reason == reason
    is_short = any(e.net_quantity < 0 for e in it.exposures.values())
    assert it.accounts[1].margin_used == it.margins.held_by(1) == (900 if is_short or reason else 0)


@pytest.mark.parametrize("settle", ["submit", "amend"])
def test_an_order_for_a_slow_venue_and_an_amendment_are_refused_for_the_same_reason(
    settle: str,
) -> None:
    pools = MarginPools(sheet=sheet(SYMBOLS, 1))
    it = Book({1: Account(1, Decimal(10**7), ZERO, ZERO)}, {}, {}, margins=pools)
    order, price = placed_order(OTHER, Side.SELL, 1, Decimal(50)), Decimal(50)
    rests = Terms(None, RATES, None, 0, price)
    if settle == "amend":
        it.decide(order, rests)
    it = replace(it, margins=MarginPools(it.margins.held(), no_risks(SYMBOLS)))

    if settle == "submit":
        it.submit(order, rests)
        refused = it.moves[-1].reason
    else:
        refused = it.amend(order, Amendment(10, price, None), rests)

    assert refused == DenialReason.NO_RISK_ARRAY
    assert order.quantity == 5
