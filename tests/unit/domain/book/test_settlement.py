"""Settlement of one account: intrinsic value, tax, margin and what is missing."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.book.position import Position
from angel_x.domain.book.settlement import (
    Expiry,
    PriceSource,
    SettlementPrice,
    intrinsic_value,
    settle_account,
)
from angel_x.domain.book.settlement_file import parse_settlement_prices
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.orders.order import Product
from angel_x.domain.values.money import ZERO
from config.market import table

TARIFF = Tariff.from_tables(table("charges"), table("contracts"))
EXPIRY = Expiry("NIFTY", date(2024, 1, 25))
CALL, PUT, NEXT = "NIFTY_25JAN24_21000CE", "NIFTY_25JAN24_21000PE", "NIFTY_01FEB24_21000CE"
#: The closing value of 25-Jan-2024.
CLOSE = Decimal("21352.60")


def book_of(*held: tuple[str, int, str], cash: str = "1000000", margin: str = "0") -> Book:
    """Return a book with positions (contract, units, cost)."""
    account = Account(1, Decimal(cash), Decimal(0), Decimal(margin))
    pools = MarginPools(stored={(1, "NIFTY"): Decimal(margin)})
    book = Book({1: account}, {}, {}, margins=pools)
    for number, (symbol, quantity, cost) in enumerate(held, 1):
        position = Position(1, symbol, Product.NORMAL, quantity, Decimal(cost), id=number)
        book.positions[1, symbol, Product.NORMAL] = position
        book.exposures[1, symbol] = Exposure(1, symbol, quantity)
    return book


def settle(book: Book, close: Decimal = CLOSE) -> None:
    price = SettlementPrice(expiry=EXPIRY, price=close, source=PriceSource.EXCHANGE, actor="test")
    settle_account(book, 1, price, TARIFF.on("NIFTY", EXPIRY.day).stt_exercise)


def test_a_long_call_is_exercised_and_pays_the_tax_on_its_intrinsic_value() -> None:
    book = book_of((CALL, 50, "15922.50"))

    settle(book)

    # 352.60 a unit; 0.125 % of 17,630 rupees.
    (settled,) = book.settled
    assert (settled.price, settled.charges) == (Decimal("352.60"), Decimal("22.04"))
    assert settled.realised_pnl == Decimal("1707.50")
    assert book.accounts[1].cash == Decimal(1000000) + Decimal("17630.00") - Decimal("22.04")
    assert sum(entry.amount for entry in book.entries) == 0


def test_a_short_position_pays_no_tax_and_what_ends_worthless_pays_nothing() -> None:
    book = book_of((CALL, -50, "-15922.50"), (PUT, 50, "500.00"))

    settle(book)

    assert [s.charges for s in book.settled] == [0, 0]
    assert [s.realised_pnl for s in book.settled] == [Decimal("-1707.50"), Decimal("-500.00")]


def test_other_expiries_stay_and_margin_falls_to_what_they_need() -> None:
    book = book_of((CALL, -50, "-15922.50"), (NEXT, 50, "5000.00"), margin="200000")

    settle(book)

    assert [p.symbol for p in book.positions.values()] == [NEXT]
    assert (book.accounts[1].margin_used, book.accounts[1].debit) == (ZERO, ZERO)


def test_a_loss_beyond_the_cash_is_a_debit() -> None:
    book = book_of((CALL, -50, "-15922.50"), cash="10000", margin="9000")

    settle(book)

    assert book.accounts[1].cash == Decimal(10_000) - Decimal(17_630)
    assert book.accounts[1].debit == Decimal(7_630)


def test_a_second_settlement_finds_nothing() -> None:
    book = book_of((CALL, 50, "15922.50"))
    settle(book)

    settle(book)

    assert len(book.settled) == 1


@pytest.mark.reference
def test_real_expiry_days_settle_at_the_index_and_not_at_the_last_trade(
    reference_folder: Path,
) -> None:
    path = reference_folder / "nifty_options_eod_2024_monthlies.csv"
    with path.open(encoding="utf-8", newline="") as file:
        closes = parse_settlement_prices(file, path.name)
    with path.open(encoding="utf-8", newline="") as file:
        last_days = [row for row in csv.DictReader(file) if row["DATE"] == row["EXPIRY"]]

    assert closes[EXPIRY] == CLOSE
    assert len(closes) == len({row["EXPIRY"] for row in last_days}) > 3
    (call,) = (
        row
        for row in last_days
        if (row["EXPIRY"], row["STRIKE PRICE"], row["OPTION TYPE"])
        == ("2024-01-25", "21000.0", "CE")
    )
    assert (call["CLOSE"], intrinsic_value(CALL, CLOSE)) == ("318.45", Decimal("352.60"))
