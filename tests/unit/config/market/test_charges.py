"""Charges on a crore of premium, in rupees.

Sources: the rates of STT in the Finance Acts of 2024 and 2026, NSE's transaction charge of 0.03553
percent with its part for investor protection, ten rupees a crore for SEBI, and stamp duty.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.orders.order import Side
from config.market import table
from tests.unit.config.market.listings import first_days, listing

TARIFF = Tariff.from_tables(table("charges"), table("contracts"))
RATES = TARIFF.rates["NSE"]
CRORE = Decimal(10_000_000)

#: The last day before every change, and the first day of it.  GST is percent, brokerage an order.
CHARGES = listing("""
    day        stt_sell stt_exercise transaction investor_protection sebi stamp_buy gst brokerage
    2024-01-01 6250     12500        5000        50                  10   300       18  20
    2024-03-31 6250     12500        5000        50                  10   300       18  20
    2024-04-01 6250     12500        4950        50                  10   300       18  20
    2024-09-30 6250     12500        4950        50                  10   300       18  20
    2024-10-01 10000    12500        3503        50                  10   300       18  20
    2026-03-31 10000    12500        3503        50                  10   300       18  20
    2026-04-01 15000    15000        3503        50                  10   300       18  20
    2030-12-31 15000    15000        3503        50                  10   300       18  20
""")
AT_BSE = listing("""
    day        stt_sell stt_exercise transaction investor_protection sebi stamp_buy gst brokerage
    2024-01-01 6250     12500        500         0                   10   300       18  20
    2024-05-12 6250     12500        500         0                   10   300       18  20
    2024-05-13 6250     12500        4950        0                   10   300       18  20
    2024-09-30 6250     12500        4950        0                   10   300       18  20
    2024-10-01 10000    12500        3250        0                   10   300       18  20
    2026-03-31 10000    12500        3250        0                   10   300       18  20
    2026-04-01 15000    15000        3250        0                   10   300       18  20
    2030-12-31 15000    15000        3250        0                   10   300       18  20
""")
FEES = ("stt_sell", "stt_exercise", "transaction", "investor_protection", "sebi", "stamp_buy")


@pytest.mark.parametrize(
    ("underlying", "day"),
    [*(("NIFTY", day) for day in CHARGES), *(("SENSEX", day) for day in AT_BSE)],
)
def test_the_charges_on_a_crore_are_those_of_the_listing(underlying: str, day: date) -> None:
    rates, listed = TARIFF.on(underlying, day), CHARGES if underlying == "NIFTY" else AT_BSE

    rupees = {name: getattr(rates, name) * CRORE for name in FEES}
    rupees |= {"gst": rates.gst * 100, "brokerage": rates.brokerage}
    assert rupees == {name: Decimal(cell) for name, cell in listed[day].items()}


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
    for underlying in ("NIFTY", "BANKEX"):
        with pytest.raises(LookupError, match="2023-12-31"):
            TARIFF.on(underlying, date(2023, 12, 31))


def test_charges_begin_on_the_days_of_the_listings() -> None:
    options = table("charges")["options"]

    assert list(options) == ["NSE", "BSE"]
    assert (len(options["NSE"]), len(options["BSE"])) == (4, 4)
    assert set(first_days(options["NSE"])) <= set(CHARGES)
    assert set(first_days(options["BSE"])) <= set(AT_BSE)


@pytest.mark.parametrize(("underlying", "rupees"), [("SENSEX", "101.63"), ("NIFTY", "108.18")])
def test_an_index_of_bse_pays_its_rate_and_no_investor_protection(
    underlying: str, rupees: str
) -> None:
    rates = TARIFF.on(underlying, date(2026, 11, 23))

    assert rates.on_order(Side.BUY, 400 * Decimal("470.40")) == Decimal(rupees)
