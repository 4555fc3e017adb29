"""Terms: price, quantity and charges of one order at a venue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.orders.denial import DenialReason


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one order: its price, quantity and charges in the market of now."""

    #: Rupees a unit; None where the order does not trade now.
    fill_price: Decimal | None
    charges: ChargeRates
    #: Set where the order must be denied independent of the account.
    denial: DenialReason | None = None
    #: Units of the other side of the quote for this order, zero where it does not trade.
    fill_quantity: int = 0
    #: Rupees: the limit of the order, or the protection limit of one at market.
    limit_price: Decimal | None = None
    #: False for a stop order that the last price has not reached.
    triggered: bool = True
    underlying: str = ""
    #: Rupees of the last trade or the middle of the quote; None where there is neither.
    reference: Decimal | None = None
    #: The venue's name for the execution; empty where the order does not trade.
    execution_id: str = ""
    #: Whether the last price had reached the trigger of a stop order before it came in.
    trigger_passed: bool = False
    #: Whether positions in the contract may only be closed.
    is_closing_only: bool = False
