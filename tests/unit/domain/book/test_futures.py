"""Futures in the book of an account: no premium, margin on either side, profit when they are closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.domain.book.account import Account
from angel_x.domain.book.book import Book
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.book.settlement import Expiry, PriceSource, SettlementPrice, settle_account
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.margin.unit_risk import STEPS, RiskSheet, UnitRisk, no_risks
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, Product, Side
from angel_x.domain.values.money import ZERO
from config.market import table
from tests.builders.books import NO_CHARGES, USER, order, partly, totals
from tests.builders.risk_units import NEAR, future

SYMBOL = "NIFTY_25AUG26_FUT"
LOT = 65
RATES = Tariff.from_tables(table("charges"), table("contracts")).of(SYMBOL, date(2026, 8, 19))
#: 9.3 % of 24,000 and 2 % of 24,100 rupees for each of 65 units.
MARGIN = Decimal(65 * (2_232 + 482))
HELD = USER, SYMBOL, Product.NORMAL


def at(price: int) -> UnitRisk:
    return replace(future(NEAR), price=price * STEPS)


def book(cash: str = "1000000") -> Book:
    sheet = {SYMBOL: at(24_100)}
    account = Account(USER, Decimal(cash), ZERO, ZERO)
    made = Book({USER: account}, {}, {}, margins=MarginPools(sheet=sheet))
    made.take_risks(sheet)
    return made


def read_again(it: Book, sheet: RiskSheet) -> Book:
    """Return the book as it is read for the next batch, at other risks."""
    pools = MarginPools(it.margins.held(), sheet)
    return Book(it.accounts, it.exposures, it.positions, margins=pools)


def trade(it: Book, side: Side, price: str, units: int = LOT) -> Order:
    placed = order(side, units, price, symbol=SYMBOL)
    it.decide(placed, partly(price, units, RATES))
    return placed


def test_a_purchase_pays_charges_and_holds_margin_and_no_premium() -> None:
    it = book()

    trade(it, Side.BUY, "24100")

    account = it.accounts[USER]
    # 1,566,500 rupees traded: brokerage 20, transaction 27.10, SEBI 1.57 and 18 % on these; stamp duty
    # of 31.33 and 1.57 for investor protection.
    charges = Decimal("90.32")
    assert totals(it, LedgerAccount.CHARGES) == charges
    assert account.cash == Decimal(1_000_000) - charges
    assert account.margin_used == MARGIN
    assert totals(it, LedgerAccount.POSITION) == 0
    assert it.positions[HELD].cost == Decimal(24_100 * LOT)


def test_a_sale_pays_the_tax_of_futures() -> None:
    it = book()

    trade(it, Side.SELL, "24100")

    # 0.05 % of 1,566,500 in place of the stamp duty.
    assert totals(it, LedgerAccount.CHARGES) == Decimal("842.24")
    assert it.accounts[USER].margin_used == MARGIN


def test_a_closed_future_leaves_its_profit_in_cash_and_no_margin() -> None:
    it = book()

    trade(it, Side.BUY, "24100")
    trade(it, Side.SELL, "24150.50")

    account, charges = it.accounts[USER], totals(it, LedgerAccount.CHARGES)
    assert account.realised_pnl == Decimal("50.50") * LOT
    assert account.cash == 1_000_000 + Decimal("50.50") * LOT - charges
    assert account.margin_used == 0
    assert not it.positions
    assert sum(entry.amount for entry in it.entries) == 0


@pytest.mark.parametrize("side", list(Side))
def test_a_resting_order_holds_margin_on_either_side(side: Side) -> None:
    it = book()
    resting = order(side, LOT, "24100", symbol=SYMBOL)

    it.decide(resting, partly("24100", 0, NO_CHARGES))

    assert resting.status is OrderStatus.WORKING
    assert it.accounts[USER].margin_used == MARGIN
    it.take_off(resting, OrderStatus.CANCELED, CancelReason.REQUESTED)
    assert it.accounts[USER].margin_used == 0


def test_an_account_that_cannot_carry_the_margin_is_denied() -> None:
    it = book(cash=str(MARGIN))

    denied = trade(it, Side.BUY, "24100")

    assert denied.status is OrderStatus.DENIED
    assert denied.reason is DenialReason.INSUFFICIENT_MARGIN
    assert not it.fills


@pytest.mark.parametrize("side", list(Side))
def test_without_a_price_no_future_is_opened_and_a_held_one_may_be_closed(side: Side) -> None:
    it = book()
    held = Side.SELL if side is Side.BUY else Side.BUY
    trade(it, held, "24100")
    it = read_again(it, no_risks([SYMBOL]))

    refused, closed = trade(it, held, "24100"), trade(it, side, "24100")

    assert refused.reason is DenialReason.NO_RISK_ARRAY
    assert closed.status is OrderStatus.FILLED
    assert not it.positions


@pytest.mark.parametrize(
    ("side", "against", "along"), [("BUY", 24_000, 24_200), ("SELL", 24_200, 24_000)]
)
def test_an_open_loss_is_set_aside_and_an_open_gain_is_no_cash(
    side: str, against: int, along: int
) -> None:
    it = book()
    trade(it, Side(side), "24100")
    account = it.accounts[USER]

    it.take_risks({SYMBOL: at(against)})
    assert account.unrealised == -100 * LOT
    assert account.funds == account.cash - 100 * LOT

    it.take_risks({SYMBOL: at(along)})
    assert account.unrealised == 100 * LOT
    assert account.funds == account.cash


@pytest.mark.parametrize("side", list(Side))
def test_it_is_settled_at_the_closing_value_without_a_tax(side: Side) -> None:
    it = book()
    trade(it, side, "24100")
    it = read_again(it, {SYMBOL: at(24_100)})
    account, cash = it.accounts[USER], it.accounts[USER].cash
    price = SettlementPrice(
        expiry=Expiry("NIFTY", NEAR),
        price=Decimal("24170.35"),
        source=PriceSource.EXCHANGE,
        actor="test",
    )

    settle_account(it, USER, price, Decimal("0.0015"))

    profit = side.sign * Decimal("70.35") * LOT
    (settled,) = it.settled
    assert (settled.price, settled.charges) == (Decimal("24170.35"), ZERO)
    assert settled.realised_pnl == profit
    assert account.cash == cash + profit
    assert account.margin_used == 0
    assert not it.positions
    assert sum(entry.amount for entry in it.entries) == 0


_TRADES = st.lists(
    st.tuples(st.sampled_from(list(Side)), st.integers(1, 3), st.integers(240_000, 242_000)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(_TRADES)
def test_cash_and_open_profit_are_those_of_the_trades_to_the_paisa(
    trades: list[tuple[Side, int, int]],
) -> None:
    it = book(cash="100000000")
    made = [(side, side.sign * lots * LOT, Decimal(ticks) / 10) for side, lots, ticks in trades]

    for side, units, price in made:
        trade(it, side, str(price), abs(units))

    account, held = it.accounts[USER], sum(units for _, units, _ in made)
    paid = sum(units * price for _, units, price in made) + totals(it, LedgerAccount.CHARGES)
    assert account.cash + account.unrealised == 100_000_000 + 24_100 * held - paid
    assert account.margin_used == abs(held) // LOT * MARGIN
    assert sum(entry.amount for entry in it.entries) == 0
