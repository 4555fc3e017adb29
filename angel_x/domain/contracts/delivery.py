"""Physical delivery of options on stocks.

An option on a stock that ends in the money is settled in shares against the strike, not in cash.  The
clearing corporation collects delivery margin from some trading days before the expiry on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from angel_x.domain.calendar.session import IST, TradingCalendar
from angel_x.domain.contracts.contract import Right, parse_expiry, parse_symbol
from angel_x.domain.contracts.contract_rules import ContractRules

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The obligation of a position at a price of its stock."""

    #: Received for the amount; negative where they are delivered.
    shares: int
    #: Rupees paid at the strike; negative where received.
    amount: Decimal
    #: The first day of the delivery period, on which positions are closed.
    closes_on: date


@dataclass(frozen=True, slots=True)
class DeliveryRule:
    """The delivery period of options on stocks; options on indices have none."""

    rules: ContractRules
    calendar: TradingCalendar

    def closes_on(self, underlying: str, expiry: date) -> date | None:
        """Return the first day of the delivery period, None for an option on an index."""
        if self.rules.is_index(underlying):
            return None
        day = expiry
        for _ in range(self.rules.delivery_days.on(expiry)):
            day = self.calendar.trading_day_on_or_before(day - _DAY)
        return day

    def is_in_period(self, underlying: str, expiry: date, now: datetime) -> bool:
        """Return whether the delivery period of a contract has begun at market time."""
        begins = self.closes_on(underlying, expiry)
        return begins is not None and now.astimezone(IST).date() >= begins

    def of(self, symbol: str, quantity: int, spot: Decimal) -> Delivery | None:
        """Return the obligation of units, negative where short; None for a contract on an index.

        Out of the money it is zero shares.
        """
        closes_on = self.closes_on(*parse_expiry(symbol))
        if closes_on is None:
            return None
        *_, strike, right = parse_symbol(symbol)
        is_call = right is Right.CALL
        is_exercised = spot > strike if is_call else spot < strike
        shares = (quantity if is_call else -quantity) if is_exercised else 0
        return Delivery(shares=shares, amount=strike * shares, closes_on=closes_on)
