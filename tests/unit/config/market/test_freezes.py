"""Freeze quantities, by the trading day.

Sources: the exchanges' circulars on quantity freeze, and NSE's list of 1 December 2025.
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
FREEZES = listing("""
    day        NIFTY BANKNIFTY FINNIFTY MIDCPNIFTY NIFTYNXT50 SENSEX BANKEX
    2023-12-31 -     -         -        -          -          -      -
    2024-01-01 1800  600       1800     2800       600        1000   900
    2025-08-31 1800  600       1800     2800       600        1000   900
    2025-09-01 1800  900       1800     2800       600        1000   900
    2025-11-02 1800  900       1800     2800       600        1000   900
    2025-11-03 1800  600       1800     2800       600        1000   900
    2025-11-30 1800  600       1800     2800       600        1000   900
    2025-12-01 1800  600       1200     2800       600        1000   900
    2026-01-31 1800  600       1200     2800       600        1000   900
    2026-02-01 1800  600       1800     2800       600        1000   900
    2030-12-31 1800  600       1800     2800       600        1000   900
""")
#: How often the freeze quantity of each index has been laid down.
ROWS = {
    "NIFTY": 1,
    "BANKNIFTY": 3,
    "FINNIFTY": 3,
    "MIDCPNIFTY": 1,
    "NIFTYNXT50": 1,
    "SENSEX": 1,
    "BANKEX": 1,
}


@pytest.mark.parametrize("day", FREEZES)
def test_the_freeze_quantity_of_every_index_is_that_of_the_listing(day: date) -> None:
    freezes = {
        name: shown(partial(RULES.freeze_quantity, name), day) for name in RULES.freeze_quantities
    }

    assert freezes == FREEZES[day]


def test_every_freeze_quantity_begins_on_a_day_of_the_listing() -> None:
    rows = {name: first_days(rows) for name, rows in table("contracts")["freeze_quantity"].items()}

    assert {name: len(days) for name, days in rows.items()} == ROWS
    assert {day for days in rows.values() for day in days} <= set(FREEZES)


def test_every_index_has_a_lot_and_a_freeze_quantity() -> None:
    assert list(RULES.lot_sizes) == list(RULES.freeze_quantities) == list(ROWS)


@pytest.mark.reference
def test_freeze_quantities_are_those_of_the_exchanges_list(reference_folder: Path) -> None:
    with (reference_folder / "nse_qtyfreeze_20251201.csv").open() as file:
        _, *rows = csv.reader(file)
    listed = {name.strip(): int(units) for _, name, units in rows if RULES.is_index(name.strip())}

    assert set(listed) == set(RULES.freeze_quantities) - {"SENSEX", "BANKEX"}
    for name, units in listed.items():
        assert RULES.freeze_quantity(name, date(2025, 12, 1)) == units
