"""What a market offers to orders, made by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count

from angel_x.domain.exchange.charges import ChargeRates, charge_table
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.denial import DenialReason
from config.market import table

_numbers = count(1)
RATES: ChargeRates = charge_table(table("charges")["options"]["NSE"]).on(date(2026, 8, 19))


def fill(price: str = "100.50", units: int = 65) -> Terms:
    """Offer units at a price, which is the limit of an order at market too."""
    at = Decimal(price)
    name = f"x{next(_numbers)}"
    return Terms(at, RATES, None, units, at, True, "NIFTY", at, name)  # noqa: FBT003


def rest(limit: str = "99.00") -> Terms:
    """Offer nothing now: the order stands at its limit."""
    return Terms(None, RATES, None, 0, Decimal(limit), underlying="NIFTY")


def refuse(reason: DenialReason = DenialReason.NO_QUOTE) -> Terms:
    """Refuse the order."""
    return Terms(None, RATES, reason, underlying="NIFTY")
