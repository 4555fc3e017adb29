"""Dated rules: charges, margin, and the table that holds them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from angel_x.domain.contracts.contract import Contract, Right
from angel_x.domain.exchange.charges import charge_table
from angel_x.domain.orders.order import Side
from angel_x.domain.values.dated import Dated
from config.market import table

CHARGES = charge_table(table("charges")["options"]["NSE"])
CONTRACT = Contract(
    "NIFTY_25AUG26_24000CE",
    "NIFTY",
    date(2026, 8, 25),
    Decimal(24000),
    Right.CALL,
    65,
    Decimal("0.05"),
    1800,
    datetime(2026, 8, 25, 10, 10, tzinfo=UTC),
)


def test_the_newest_rule_whose_date_has_come_applies() -> None:
    rules = Dated([(date(2026, 4, 1), "new"), (date(2025, 1, 1), "old")])

    assert rules.on(date(2026, 3, 31)) == "old"
    assert rules.on(date(2026, 4, 1)) == "new"
    with pytest.raises(LookupError, match="2024-12-31"):
        rules.on(date(2024, 12, 31))


@pytest.mark.parametrize(
    ("day", "side", "expected"),
    [
        # Brokerage 20 + transaction 3.503 + SEBI 0.01, GST 18 % on these, STT, IPFT 0.05.
        (date(2026, 3, 31), Side.SELL, "37.80"),
        (date(2026, 4, 1), Side.SELL, "42.80"),
        # Stamp duty 0.30 in place of the tax on sales.
        (date(2026, 4, 1), Side.BUY, "28.10"),
    ],
)
def test_charges_follow_the_calendar_and_the_side(day: date, side: Side, expected: str) -> None:
    charges = CHARGES.on(day).on_order(side, Decimal(10_000))

    assert charges == Decimal(expected)


@pytest.mark.parametrize(
    ("side", "first", "second"),
    [
        # Of the second 10,000 rupees: transaction 3.503 and SEBI 0.01 with GST of 18 %, IPFT 0.05,
        # and stamp duty of 0.30 or STT of 15; of 20,000 rupees together 32.59 and 61.99.
        (Side.BUY, "28.10", "4.49"),
        (Side.SELL, "42.80", "19.19"),
    ],
)
def test_brokerage_is_paid_once_an_order(side: Side, first: str, second: str) -> None:
    rates, premium = CHARGES.on(date(2026, 11, 23)), Decimal(10_000)

    assert rates.on_fill(side, Decimal(0), premium) == Decimal(first)
    assert rates.on_fill(side, premium, 2 * premium) == Decimal(second)


def test_nothing_traded_costs_nothing() -> None:
    rates = CHARGES.on(date(2026, 11, 23))

    assert rates.on_order(Side.BUY, Decimal(0)) == 0
    assert rates.on_fill(Side.SELL, Decimal(500), Decimal(500)) == 0


@pytest.mark.parametrize(
    ("premium", "side", "charges"),
    [
        # 23.60 of brokerage with GST, and rates of 0.000449534 and 0.001919534 a rupee.
        ("0.05", Side.BUY, "23.60"),
        ("11", Side.BUY, "23.60"),
        ("12", Side.BUY, "23.61"),
        ("2", Side.SELL, "23.60"),
        ("3", Side.SELL, "23.61"),
        ("1000000", Side.BUY, "473.13"),
        ("1000000", Side.SELL, "1943.13"),
    ],
)
def test_charges_are_rounded_to_the_paisa_once(premium: str, side: Side, charges: str) -> None:
    assert CHARGES.on(date(2026, 11, 23)).on_order(side, Decimal(premium)) == Decimal(charges)
