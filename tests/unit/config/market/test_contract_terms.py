"""Ticks, exchanges, weekly contracts and expiry weekdays.

Sources: the contract specifications of NSE and BSE; the change of expiry days of 1 September 2025.
"""

from __future__ import annotations

import csv
import json
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from config.market import table
from tests.builders.markets import RULES
from tests.unit.config.market.listings import first_days, listing, shown

#: The last day before every change, and the first day of it.
WEEKDAYS = listing("""
    week       NSE       BSE
    2024-12-31 -         -
    2025-01-01 Thursday  Tuesday
    2025-08-31 Thursday  Tuesday
    2025-09-01 Tuesday   Thursday
    2030-12-31 Tuesday   Thursday
""")
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def test_prices_are_multiples_of_five_paise() -> None:
    assert RULES.tick_size * 100 == Decimal(5)
    assert str(RULES.tick_size) == "0.05"


def test_each_index_is_listed_at_its_exchange() -> None:
    assert RULES.exchanges == {"SENSEX": "BSE", "BANKEX": "BSE"}
    assert list(RULES.exchanges) == ["SENSEX", "BANKEX"]
    at_nse = [name for name in RULES.lot_sizes if RULES.weekdays(name) is RULES.weekdays("ELSE")]
    assert at_nse == ["NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50"]
    assert RULES.weekdays("ELSE") is RULES.expiry_weekdays["NSE"]


def test_one_index_of_each_exchange_has_weekly_contracts() -> None:
    assert RULES.weekly == {"NIFTY", "SENSEX"}
    assert table("contracts")["weekly"] == ["NIFTY", "SENSEX"]


def weekday(exchange: str, week: date) -> str:
    return NAMES[RULES.expiry_weekdays[exchange].on(week)]


@pytest.mark.parametrize("week", WEEKDAYS)
def test_contracts_expire_on_the_weekday_of_the_listing(week: date) -> None:
    weekdays = {
        exchange: shown(partial(weekday, exchange), week) for exchange in RULES.expiry_weekdays
    }

    assert weekdays == WEEKDAYS[week]


def test_every_expiry_weekday_begins_on_a_day_of_the_listing() -> None:
    days = [
        day for rows in table("contracts")["expiry_weekday"].values() for day in first_days(rows)
    ]

    assert days == [date(2025, 1, 1), date(2025, 9, 1)] * 2


@pytest.mark.reference
def test_monthly_contracts_of_2025_expired_on_the_weekday_of_the_exchanges_file(
    reference_folder: Path,
) -> None:
    with (reference_folder / "nifty_derivatives_eod_2024.csv").open() as file:
        expiries = {date.fromisoformat(row["EXPIRY"]) for row in csv.DictReader(file)}
    weekdays = RULES.weekdays("NIFTY")
    known = {day for day in expiries if day.year == 2025}

    assert len(known) == 7
    assert {day.weekday() for day in known} == {weekdays.on(day) for day in known} == {3}


@pytest.mark.reference
def test_listed_options_have_the_tick_lot_and_weekday_of_their_master(
    reference_folder: Path,
) -> None:
    rows = json.loads((reference_folder / "angel_scrip_master_sample.json").read_text())
    options = [row for row in rows if row["instrumenttype"] == "OPTIDX"]
    expiries = {row["token"]: expiry_of(row["expiry"]) for row in options}
    known = [row for row in options if expiries[row["token"]].year > 2024]

    assert len(known) == 3
    for row in known:
        expiry = expiries[row["token"]]
        assert Decimal(row["tick_size"]) == RULES.tick_size * 100
        assert int(row["lotsize"]) == RULES.lot_size(row["name"], expiry)
        assert expiry.weekday() == RULES.weekdays(row["name"]).on(expiry)


def expiry_of(text: str) -> date:
    return datetime.strptime(text, "%d%b%Y").date()  # noqa: DTZ007 - a day
