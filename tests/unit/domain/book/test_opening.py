"""Opening positions and cash: the file, and the book after them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from angel_x.domain.book.account import Account
from angel_x.domain.book.book import Book
from angel_x.domain.book.opening import Opening, OpeningBook, held_already, open_book
from angel_x.domain.book.opening_file import parse_openings
from angel_x.domain.orders.order import Product
from angel_x.errors import InvalidOpenings
from tests.builders.risk_units import future, option

CALL, PUT = "NIFTY_25AUG26_24000CE", "NIFTY_25AUG26_24000PE"
FUTURE = "NIFTY_25AUG26_FUT"
SHEET = {CALL: option(24_000, "CE"), PUT: option(24_000, "PE"), FUTURE: future()}
HEADER = "symbol,product,quantity,average_price"


def parsed(*rows: str) -> OpeningBook:
    return parse_openings([f"{line}\n" for line in (HEADER, *rows)], "book.csv")


def test_a_file_has_positions_and_cash() -> None:
    found = parsed(f"{CALL},NRML,-130,101.5", "CASH,,,1000000.00", f"{PUT},,65,90")

    assert found.cash == 1_000_000
    assert found.positions == (
        Opening(2, CALL, Product.NORMAL, -130, Decimal("101.50")),
        Opening(4, PUT, Product.NORMAL, 65, Decimal("90.00")),
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{CALL},CNC,65,90", "row 2, product: must be NRML or MIS, was CNC"),
        (f"{CALL},NRML,0,90", "row 2, quantity: must be whole units, not zero, was '0'"),
        (f"{CALL},NRML,65.5,90", "row 2, quantity"),
        (f"{CALL},NRML,६५,90", "row 2, quantity"),
        (f"{CALL},NRML,65,0", "row 2, average_price: must be rupees to the paisa"),
        (f"{CALL},NRML,65,-1", "row 2, average_price"),
        (f"{CALL},NRML,65,1.005", "row 2, average_price"),
        (f"{CALL},NRML,65,NaN", "row 2, average_price: .*was 'NaN'"),
        (f"{CALL},NRML,65", r"row 2, \(row\): must have 4 cells"),
        ("CASH,,,-5", "row 2, average_price: must be rupees to the paisa, at least 0, was '-5'"),
        ("CASH,NRML,,5", "row 2, product: must be empty for cash, was NRML"),
    ],
)
def test_a_row_that_is_wrong_refuses_the_file_with_row_field_and_value(
    row: str, reason: str
) -> None:
    with pytest.raises(InvalidOpenings, match=f"book.csv, {reason}"):
        parsed(row, f"{PUT},,65,90")


@pytest.mark.parametrize("rows", [[], ["CASH,,,1", "CASH,,,2"], [f"{CALL},,65,1", f"{CALL},,65,2"]])
def test_a_file_says_something_and_everything_once(rows: list[str]) -> None:
    with pytest.raises(InvalidOpenings):
        parsed(*rows)


def test_a_book_is_opened_with_margin_cash_and_entries_that_sum_to_zero() -> None:
    book = Book({1: Account(1, Decimal(0), Decimal(0), Decimal(0))}, {}, {})
    book.take_risks(SHEET)

    open_book(book, 1, parsed(f"{CALL},,-65,100", f"{PUT},,65,90", "CASH,,,5000000"))

    account = book.accounts[1]
    assert account.cash == 5_000_000
    assert account.margin_used == book.margins.held_by(1) > 0
    assert account.debit == 0
    costs = {symbol: p.cost for (_, symbol, _), p in book.positions.items()}
    assert costs == {CALL: Decimal("-6500.00"), PUT: Decimal("5850.00")}
    assert sum(entry.amount for entry in book.entries) == 0
    assert {key: e.net_quantity for key, e in book.exposures.items()} == {
        (1, CALL): -65, (1, PUT): 65,
    }  # fmt: skip
    again = parsed(f"{CALL},MIS,65,100").positions
    assert held_already(book, 1, again) == again[0]


def test_a_short_book_without_cash_is_opened_with_a_debit() -> None:
    book = Book({1: Account(1, Decimal(0), Decimal(0), Decimal(0))}, {}, {})
    book.take_risks(SHEET)

    open_book(book, 1, parsed(f"{CALL},,-65,100"))

    assert book.accounts[1].debit == book.accounts[1].margin_used > 0


@pytest.mark.parametrize("units", [65, -65])
def test_a_future_has_a_cost_and_margin_on_either_side_and_nobody_has_paid_for_it(
    units: int,
) -> None:
    book = Book({1: Account(1, Decimal(0), Decimal(0), Decimal(0))}, {}, {})
    book.take_risks(SHEET)

    open_book(book, 1, parsed(f"{FUTURE},,{units},24000.05"))

    assert [p.cost for p in book.positions.values()] == [units * Decimal("24000.05")]
    assert book.entries == []
    assert book.accounts[1].cash == 0
    assert book.accounts[1].margin_used == book.accounts[1].debit == book.margins.held_by(1) > 0
