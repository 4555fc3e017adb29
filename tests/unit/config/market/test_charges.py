"""Charges on a crore of premium, in rupees.

Sources: the rates of STT in the Finance Acts of 2024 and 2026, NSE's transaction charge of 0.03553
percent with its part for investor protection, ten rupees a crore for SEBI, and stamp duty.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from angel_x.domain.exchange.charges import charge_table
from angel_x.domain.orders.order import Side
from config.market import table
from tests.unit.config.market.listings import first_days, listing

RATES = charge_table(table("charges")["options"])
CRORE = Decimal(10_000_000)

#: The last day before every change, and the first day of it.  GST is percent, brokerage an order.
CHARGES = listing("""
    day        stt_sell transaction investor_protection sebi stamp_buy gst brokerage
    2024-10-01 10000    3503        50                  10   300       18  20
    2026-03-31 10000    3503        50                  10   300       18  20
    2026-04-01 15000    3503        50                  10   300       18  20
    2030-12-31 15000    3503        50                  10   300       18  20
""")
FEES = ("stt_sell", "transaction", "investor_protection", "sebi", "stamp_buy")


@pytest.mark.parametrize("day", CHARGES)
def test_the_charges_on_a_crore_are_those_of_the_listing(day: date) -> None:
    rates = RATES.on(day)

    rupees = {name: getattr(rates, name) * CRORE for name in FEES}
    rupees |= {"gst": rates.gst * 100, "brokerage": rates.brokerage}
    assert rupees == {name: Decimal(cell) for name, cell in CHARGES[day].items()}


@pytest.mark.parametrize(
    ("day", "sold", "bought"),
    [
        # 18 percent are due on brokerage, transaction charge and SEBI fee: 3,533 rupees.
        (date(2024, 10, 1), "14218.94", "4518.94"),
        (date(2026, 3, 31), "14218.94", "4518.94"),
        (date(2026, 4, 1), "19218.94", "4518.94"),
    ],
)
def test_an_order_of_a_crore_pays_their_sum(day: date, sold: str, bought: str) -> None:
    rates = RATES.on(day)

    assert rates.on_order(Side.SELL, CRORE) == Decimal(sold)
    assert rates.on_order(Side.BUY, CRORE) == Decimal(bought)


def test_no_charges_are_known_before_the_first() -> None:
    with pytest.raises(LookupError, match="2024-09-30"):
        RATES.on(date(2024, 9, 30))


def test_charges_have_been_laid_down_twice() -> None:
    assert first_days(table("charges")["options"]) == [date(2024, 10, 1), date(2026, 4, 1)]
