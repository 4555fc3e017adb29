"""Lot sizes, by the expiry of the contract.

Sources: the exchange's circulars on lot sizes of 2 April 2024, October 2024 and 3 October 2025, its
list for April to June 2026, and its end-of-day files.  The revision of 20 November 2024 was one of new
contracts: what was listed by then, monthly contracts up to January 2025, kept its lot.
"""

from __future__ import annotations

import csv
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from config.market import table
from tests.builders.markets import RULES
from tests.unit.config.market.listings import first_days, listing, shown

#: The last day before every change, and the first day of it.
LOTS = listing("""
    expiry     NIFTY BANKNIFTY FINNIFTY MIDCPNIFTY NIFTYNXT50 SENSEX BANKEX
    2023-12-31 -     -         -        -          -          -      -
    2024-01-01 50    15        40       75         -          10     15
    2024-04-23 50    15        40       75         -          10     15
    2024-04-24 50    15        40       75         10         10     15
    2024-04-25 50    15        40       75         10         10     15
    2024-04-26 25    15        40       75         10         10     15
    2024-04-29 25    15        40       75         10         10     15
    2024-04-30 25    15        40       50         10         10     15
    2024-05-01 25    15        25       50         10         10     15
    2024-12-31 25    15        25       50         10         10     15
    2025-01-01 25    15        25       50         10         20     30
    2025-01-02 75    15        25       50         10         20     30
    2025-01-29 75    15        25       50         10         20     30
    2025-01-30 25    15        25       50         10         20     30
    2025-01-31 75    30        65       120        25         20     30
    2025-07-30 75    30        65       120        25         20     30
    2025-07-31 75    35        65       140        25         20     30
    2025-12-31 75    35        65       140        25         20     30
    2026-01-01 65    30        60       120        25         20     30
    2030-12-31 65    30        60       120        25         20     30
""")
#: How often the lot of each index has been laid down.
ROWS = {
    "NIFTY": 6,
    "BANKNIFTY": 4,
    "FINNIFTY": 4,
    "MIDCPNIFTY": 5,
    "NIFTYNXT50": 2,
    "SENSEX": 2,
    "BANKEX": 2,
}


@pytest.mark.parametrize("expiry", LOTS)
def test_the_lot_of_every_index_is_that_of_the_listing(expiry: date) -> None:
    lots = {name: shown(partial(RULES.lot_size, name), expiry) for name in RULES.lot_sizes}

    assert lots == LOTS[expiry]


def test_every_lot_begins_on_a_day_of_the_listing() -> None:
    rows = {name: first_days(rows) for name, rows in table("contracts")["lot_size"].items()}

    assert {name: len(days) for name, days in rows.items()} == ROWS
    assert {day for days in rows.values() for day in days} <= set(LOTS)


@pytest.mark.parametrize("name", ROWS)
def test_an_underlying_with_a_lot_is_an_index(name: str) -> None:
    assert RULES.is_index(name)
    assert not RULES.is_index(f"{name}X")


@pytest.mark.reference
def test_lots_are_those_of_the_exchanges_list(reference_folder: Path) -> None:
    with (reference_folder / "nse_lot_sizes_apr_jun_2026.csv").open() as file:
        header, *rows = csv.reader(file)
    months = [date(2026, month, 25) for month in (4, 5, 6)]
    listed = {name: [int(lot) for lot in lots] for name, *lots in rows if RULES.is_index(name)}

    assert header[1:] == [f"Lot Size ({day:%b %Y})" for day in months]
    assert set(listed) == set(RULES.lot_sizes) - {"SENSEX", "BANKEX"}
    for name, lots in listed.items():
        assert [RULES.lot_size(name, day) for day in months] == lots


@pytest.mark.reference
def test_lots_are_those_of_the_exchanges_end_of_day_file(reference_folder: Path) -> None:
    listed: set[tuple[str, date, int]] = set()
    for name in ("nifty_options_eod_2024_monthlies.csv", "nifty_derivatives_eod_2024.csv"):
        with (reference_folder / name).open() as file:
            listed |= {
                (row["SYMBOL"], date.fromisoformat(row["EXPIRY"]), int(row["MARKET LOT"]))
                for row in csv.DictReader(file)
            }

    assert len(listed) == 18
    assert {(name, day, RULES.lot_size(name, day)) for name, day, _ in listed} == listed
