"""Charges by item: as calculated by hand, and equal to the booked total to the paisa."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.exchange.charges import ChargeItems, Tariff
from angel_x.domain.orders.order import Side
from config.market import table

TARIFF = Tariff.from_tables(table("charges"), table("contracts"))
DAY = date(2026, 11, 23)
ITEMS = [f.name for f in fields(ChargeItems) if f.name != "total"]
PREMIUMS = st.decimals("0", "100000000", places=2)


@pytest.mark.parametrize(
    ("underlying", "side", "premium", "items"),
    [
        # 400 SENSEX at 470.40: 0.0325 %, no investor protection.
        ("SENSEX", Side.BUY, "188160", "20.00 0.00 61.15 0.00 0.19 5.64 14.64 0.01 101.63"),
        # 65 NIFTY at 200: 0.15 % STT, 0.03503 % and 0.0005 % of the exchange.
        ("NIFTY", Side.SELL, "13000", "20.00 19.50 4.55 0.07 0.01 0.00 4.42 0.00 48.55"),
    ],
)
def test_the_items_are_those_of_a_calculation_by_hand(
    underlying: str, side: Side, premium: str, items: str
) -> None:
    found = TARIFF.on(underlying, DAY).items(side, Decimal(premium))

    assert found == ChargeItems(
        **dict(zip([*ITEMS, "total"], map(Decimal, items.split()), strict=True))
    )


@given(st.sampled_from(Side), PREMIUMS, PREMIUMS)
def test_the_items_of_fills_add_up_to_what_is_booked(
    side: Side, before: Decimal, premium: Decimal
) -> None:
    rates = TARIFF.on("NIFTY", DAY)

    found = rates.items_of_fill(side, before, before + premium)

    assert found.total == rates.on_fill(side, before, before + premium)
    assert found.total == sum(getattr(found, name) for name in ITEMS)
    assert abs(found.rounding) <= Decimal("0.08")


@pytest.mark.parametrize(
    ("symbol", "day", "side", "items"),
    [
        # 65 NIFTY at 24,100: 0.00173 % of the exchange, 0.05 % STT of the seller, 0.002 % stamp duty.
        ("NIFTY_25AUG26_FUT", DAY, Side.BUY, "20.00 0.00 27.10 1.57 1.57 31.33 8.76 -0.01 90.32"),
        (
            "NIFTY_25AUG26_FUT",
            DAY,
            Side.SELL,
            "20.00 783.25 27.10 1.57 1.57 0.00 8.76 -0.01 842.24",
        ),
        # A tax of 0.02 % until 31-Mar-2026.
        (
            "NIFTY_31MAR26_FUT",
            date(2026, 3, 31),
            Side.SELL,
            "20.00 313.30 27.10 1.57 1.57 0.00 8.76 -0.01 372.29",
        ),
        # BSE takes nothing.
        ("SENSEX_27AUG26_FUT", DAY, Side.BUY, "20.00 0.00 0.00 0.00 1.57 31.33 3.88 0.00 56.78"),
    ],
)
def test_a_future_is_charged_on_its_value(symbol: str, day: date, side: Side, items: str) -> None:
    found = TARIFF.of(symbol, day).items(side, Decimal(24_100 * 65))

    assert found == ChargeItems(
        **dict(zip([*ITEMS, "total"], map(Decimal, items.split()), strict=True))
    )
