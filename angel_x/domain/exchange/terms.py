"""Terms: what a venue and its rules offer to one order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.orders.denial import DenialReason


@dataclass(frozen=True, slots=True)
class Terms:
    """What the market and the rules offer to one order."""

    #: Rupees a unit; None where the order does not trade now.
    fill_price: Decimal | None
    charges: ChargeRates
    #: Set where the order must not trade whatever the account has.
    denial: DenialReason | None = None
    #: Units that the far side of the quote has for this order, zero where it does not trade.
    fill_quantity: int = 0
    #: Rupees that the order stands at: its own limit, or the protection of one at market.
    limit_price: Decimal | None = None
    #: False for a stop order that the last price has not reached.
    triggered: bool = True
    underlying: str = ""
    #: Rupees of the last trade or the middle of the quote; None where there is neither.
    reference: Decimal | None = None
    #: The venue's name for the execution; empty where the order does not trade.
    execution_id: str = ""
