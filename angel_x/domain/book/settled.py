"""A position that ended with its contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.orders.order import Product


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledPosition:
    """One position that was closed at the intrinsic value of its contract; money is in rupees."""

    user_id: int
    symbol: str
    expiry: date
    product: Product
    #: Settled units; negative where the account was short.
    quantity: int
    #: The final settlement price of the underlying.
    index: Decimal
    #: Intrinsic value of one unit.
    price: Decimal
    realised_pnl: Decimal
    #: Securities transaction tax on the exercise.
    charges: Decimal
