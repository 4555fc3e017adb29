"""Ticks, exchanges, weekly contracts and expiry weekdays.

Sources: the contract specifications of NSE and BSE; the change of expiry days of 1 September 2025.
"""

from __future__ import annotations

import csv
import json
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import takewhile
from pathlib import Path

import pytest

from angel_x.domain.calendar.expiry_days import monthly_expiries
from config.market import table
from tests.builders.markets import CALENDAR, RULES
from tests.unit.config.market.listings import first_days, listing, shown

#: The last day before every change, and the first day of it.
WEEKDAYS = listing("""
    week       NSE      BSE      BANKNIFTY FINNIFTY MIDCPNIFTY NIFTYNXT50 BANKEX
    2023-12-31 -        -        -         -        -          -          -
    2024-01-01 Thursday Friday   Thursday  Tuesday  Monday     Friday     Monday
    2024-02-29 Thursday Friday   Thursday  Tuesday  Monday     Friday     Monday
    2024-03-01 Thursday Friday   Wednesday Tuesday  Monday     Friday     Monday
    2024-12-31 Thursday Friday   Wednesday Tuesday  Monday     Friday     Monday
    2025-01-01 Thursday Tuesday  Thursday  Thursday Thursday   Thursday   Tuesday
    2025-08-31 Thursday Tuesday  Thursday  Thursday Thursday   Thursday   Tuesday
    2025-09-01 Tuesday  Thursday Tuesday   Tuesday  Tuesday    Tuesday    Thursday
    2030-12-31 Tuesday  Thursday Tuesday   Tuesday  Tuesday    Tuesday    Thursday
""")
#: Ticks of futures in rupees.
FUTURE_TICKS = listing("""
    day        NIFTY BANKNIFTY FINNIFTY MIDCPNIFTY NIFTYNXT50 SENSEX BANKEX
    2024-01-01 0.05  0.05      0.05     0.05       0.05       0.05   0.05
    2025-04-14 0.05  0.05      0.05     0.05       0.05       0.05   0.05
    2025-04-15 0.10  0.20      0.10     0.05       0.20       0.05   0.05
    2030-12-31 0.10  0.20      0.10     0.05       0.20       0.05   0.05
""")
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def test_prices_are_multiples_of_five_paise() -> None:
    assert RULES.tick_size * 100 == Decimal(5)
    assert str(RULES.tick_size) == "0.05"


@pytest.mark.parametrize("day", FUTURE_TICKS)
def test_the_tick_of_futures_is_that_of_the_listing(day: date) -> None:
    ticks = {name: shown(partial(RULES.future_tick_size, name), day) for name in RULES.lot_sizes}

    assert ticks == FUTURE_TICKS[day]


def test_every_tick_of_futures_begins_on_a_day_of_the_listing() -> None:
    rows = {name: first_days(rows) for name, rows in table("contracts")["future_tick_size"].items()}

    assert list(rows) == ["NIFTY", "BANKNIFTY", "FINNIFTY", "NIFTYNXT50"]
    assert all(len(days) == 2 and days[1] in FUTURE_TICKS for days in rows.values())


def test_each_index_is_listed_at_its_exchange() -> None:
    assert RULES.exchanges == {"SENSEX": "BSE", "BANKEX": "BSE"}
    assert list(RULES.exchanges) == ["SENSEX", "BANKEX"]
    at_nse = [name for name in RULES.lot_sizes if RULES.exchange(name) == "NSE"]
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
    rows = table("contracts")["expiry_weekday"]

    assert {name: len(dated) for name, dated in rows.items()} == {
        "NSE": 2,
        "BSE": 3,
        "BANKNIFTY": 4,
        "FINNIFTY": 3,
        "MIDCPNIFTY": 3,
        "NIFTYNXT50": 3,
        "BANKEX": 3,
    }
    assert {day for dated in rows.values() for day in first_days(dated)} <= set(WEEKDAYS)


@pytest.mark.reference
def test_monthly_contracts_of_2024_and_2025_expired_on_the_days_of_the_exchanges_files(
    reference_folder: Path,
) -> None:
    expiries: set[date] = set()
    for name in ("nifty_options_eod_2024_monthlies.csv", "nifty_derivatives_eod_2024.csv"):
        with (reference_folder / name).open() as file:
            expiries |= {date.fromisoformat(row["EXPIRY"]) for row in csv.DictReader(file)}
    weekdays = RULES.weekdays("NIFTY")

    assert len(expiries) == 18
    assert {day.weekday() for day in expiries} == {weekdays.on(day) for day in expiries} == {3}
    monthly = monthly_expiries(CALENDAR, date(2024, 1, 1), weekdays)
    assert expiries <= set(takewhile(lambda day: day <= max(expiries), monthly))


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
