"""The margin of many accounts in arrays, against the running sums of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random

import numpy as np

from angel_x.domain.margin.fleet_margin import FleetColumns, FleetMargin, margin_fleet
from angel_x.domain.margin.unit_risk import STEPS, UnitRisk, to_rupees, unknown_risk
from angel_x.domain.margin.worst_case import FLAT, WorstCase
from angel_x.domain.values.money import rupees
from tests.builders.risk_units import FAR, NEAR, TODAY, future, option

ROWS = [
    (f"{name}_{day:%d%b%y}_{strike}{right}".upper(), option(strike, right, day))
    for name in ("NIFTY", "BANKNIFTY")
    for day in (TODAY, NEAR, FAR)
    for strike in (23_700, 24_000, 24_300)
    for right in ("CE", "PE")
] + [
    (f"{name}_{day:%d%b%y}_FUT".upper(), replace(future(day), price=24_050 * STEPS))
    for name in ("NIFTY", "BANKNIFTY")
    for day in (TODAY, NEAR, FAR)
]
SHEET = dict(ROWS)
Book = dict[str, tuple[int, int, int]]


def fleet(books: list[Book], sheet: dict[str, UnitRisk] = SHEET, cost: int = 0) -> FleetMargin:
    rows = [(i, s, *units) for i, book in enumerate(books) for s, units in book.items()]
    owner, symbols, net, buys, sells = zip(*rows, strict=True)
    numbers = (np.array(column, np.int64) for column in (owner, net, buys, sells))
    owners, nets, bought, sold = numbers
    costs = np.full(len(rows), cost, np.int64)
    return margin_fleet(len(books), FleetColumns(owners, symbols, nets, bought, sold, costs), sheet)


def alone(book: Book, underlying: str) -> WorstCase:
    worst = WorstCase()
    for symbol, units in book.items():
        if symbol.startswith(f"{underlying}_"):
            worst.add(SHEET[symbol], FLAT, *units)
    return worst


def test_every_account_needs_what_it_would_alone() -> None:
    random = Random(5)
    books: list[Book] = [
        {
            symbol: (
                random.randint(-3, 3) * 65,
                random.randint(0, 2) * 65,
                random.randint(0, 2) * 65,
            )
            for symbol in random.sample(sorted(SHEET), random.randint(1, 12))
        }
        for _ in range(200)
    ]

    found = fleet(books)

    rows = zip(found.owner.tolist(), found.underlyings, found.required.tolist(), strict=True)
    needed = {(owner, name): rupees(paise) for owner, name, paise in rows}
    assert needed == {
        (i, name): to_rupees(alone(book, name).required().total)
        for i, book in enumerate(books)
        for name in ("NIFTY", "BANKNIFTY")
        if any(symbol.startswith(f"{name}_") for symbol in book)
    }
    assert found.is_complete.all()


def test_open_profit_is_the_value_at_the_price_less_the_cost() -> None:
    (symbol, unit), (other, _) = ROWS[0], ROWS[1]
    sheet = {symbol: replace(unit, price=120 * STEPS), other: replace(unit, price=50 * STEPS)}

    found = fleet([{symbol: (-65, 0, 0), other: (65, 0, 0)}, {other: (0, 65, 0)}], sheet, 1000)

    assert found.unrealised.tolist() == [65 * (5000 - 12000) - 2000, 0]
    assert found.short_pnl.tolist() == [-65 * 12000 - 1000, 0]
    assert found.is_priced.all()


def test_a_contract_without_an_array_or_a_price_is_named() -> None:
    symbol = "NIFTY_25AUG26_24000CE"
    unknown = unknown_risk(date(2026, 8, 25))

    found = fleet([{symbol: (-65, 0, 0)}], {symbol: unknown})

    assert (found.is_complete.tolist(), found.is_priced.tolist()) == ([False], [False])
    assert found.unrealised.tolist() == [0]


def test_the_open_loss_of_a_future_is_owed_on_either_side() -> None:
    symbol = "NIFTY_25AUG26_FUT"

    found = fleet([{symbol: (65, 0, 0)}, {symbol: (-65, 0, 0)}], SHEET, 65 * 24_100 * 100)

    assert found.short_pnl[0] == found.unrealised[0] == 65 * -50 * 100
    assert found.short_pnl[1] == found.unrealised[1]
    assert found.option_value.tolist() == [0, 0]


def test_a_future_without_a_price_is_named_and_never_worth_nothing() -> None:
    symbol = "NIFTY_25AUG26_FUT"
    unpriced = {symbol: replace(SHEET[symbol], price=None)}

    found = fleet([{symbol: (65, 0, 0)}], unpriced, 65 * 24_100 * 100)

    assert (found.unrealised.tolist(), found.is_priced.tolist()) == ([0], [False])
