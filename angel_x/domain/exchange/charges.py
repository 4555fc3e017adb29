"""Charges on an executed order: brokerage, taxes, exchange and regulator fees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any

from angel_x.domain.contracts.contract import is_future, underlying_of
from angel_x.domain.orders.order import Side
from angel_x.domain.values.dated import Dated
from angel_x.domain.values.money import ZERO, to_paisa

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeItems:
    """Charges by item, in rupees to the paisa, as on a contract note."""

    brokerage: Decimal = ZERO
    #: Securities transaction tax.
    stt: Decimal = ZERO
    #: Transaction charge of the exchange.
    transaction: Decimal = ZERO
    #: Investor protection fund.
    investor_protection: Decimal = ZERO
    #: Fee of the regulator.
    sebi: Decimal = ZERO
    stamp: Decimal = ZERO
    gst: Decimal = ZERO
    #: The total, rounded once, less the sum of the rounded items.
    rounding: Decimal = ZERO
    total: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ChargeRates:
    """Fractions of the premium, of futures of the value, except brokerage (rupees an order) and GST (a fraction of fees)."""

    stt_sell: Decimal
    transaction: Decimal
    investor_protection: Decimal
    sebi: Decimal
    stamp_buy: Decimal
    gst: Decimal
    brokerage: Decimal
    #: Of the intrinsic value of an exercised long option, paid by its holder.
    stt_exercise: Decimal = ZERO

    def on_order(self, side: Side, premium: Decimal) -> Decimal:
        """Return the charges of an order that has traded ``premium`` rupees, rounded to the paisa.

        GST is due on brokerage, transaction charge and SEBI fee.  Brokerage is per executed order.
        """
        if not premium:
            return ZERO
        taxed = self.brokerage + premium * (self.transaction + self.sebi)
        duty = self.stt_sell if side is Side.SELL else self.stamp_buy
        return to_paisa(taxed * (1 + self.gst) + premium * (duty + self.investor_protection))

    def items(self, side: Side, premium: Decimal) -> ChargeItems:
        """Return the charges of :meth:`on_order` by item."""
        if not premium:
            return ChargeItems()
        transaction, sebi = premium * self.transaction, premium * self.sebi
        is_sale = side is Side.SELL
        exact = {
            "brokerage": self.brokerage,
            "stt": premium * self.stt_sell if is_sale else ZERO,
            "transaction": transaction,
            "investor_protection": premium * self.investor_protection,
            "sebi": sebi,
            "stamp": ZERO if is_sale else premium * self.stamp_buy,
            "gst": (self.brokerage + transaction + sebi) * self.gst,
        }
        rounded = {name: to_paisa(amount) for name, amount in exact.items()}
        total = self.on_order(side, premium)
        return ChargeItems(**rounded, rounding=total - sum(rounded.values()), total=total)

    def items_of_fill(self, side: Side, before: Decimal, after: Decimal) -> ChargeItems:
        """Return the charges of :meth:`on_fill` by item; brokerage is that of the first fill."""
        first, last = self.items(side, before), self.items(side, after)
        changes = {
            f.name: getattr(last, f.name) - getattr(first, f.name) for f in fields(ChargeItems)
        }
        return ChargeItems(**changes)

    def on_fill(self, side: Side, before: Decimal, after: Decimal) -> Decimal:
        """Return the charges of the fill that took an order's premium from ``before`` to ``after``.

        The charges of all fills add up to those of the order, to the paisa, so the reservation of
        the order covers them.
        """
        return self.on_order(side, after) - self.on_order(side, before)


@dataclass(frozen=True, slots=True)
class Tariff:
    """The charges of every exchange."""

    rates: Mapping[str, Dated[ChargeRates]]
    #: The exchange that lists the contracts of an underlying; NSE where it is missing.
    exchanges: Mapping[str, str]
    #: Of futures.
    futures: Mapping[str, Dated[ChargeRates]] = field(default_factory=dict)

    @classmethod
    def from_tables(cls, charges: Mapping[str, Any], contracts: Mapping[str, Any]) -> Tariff:
        """Build the tariff from the parsed ``charges`` and ``contracts`` tables."""
        rates, futures = (
            {exchange: charge_table(rows) for exchange, rows in charges[kind].items()}
            for kind in ("options", "futures")
        )
        return cls(rates, contracts["exchange"], futures)

    def of(self, symbol: str, day: date) -> ChargeRates:
        """Return the rates of a contract on a day.

        Raises:
            LookupError: The day is before the first rates.
        """
        rates = self.on_futures if is_future(symbol) else self.on
        return rates(underlying_of(symbol), day)

    def on(self, underlying: str, day: date) -> ChargeRates:
        """Return the rates of an underlying's options on a day.

        Raises:
            LookupError: The day is before the first rates.
        """
        return self.rates[self.exchanges.get(underlying, "NSE")].on(day)

    def on_futures(self, underlying: str, day: date) -> ChargeRates:
        """Return the rates of an underlying's futures on a day.

        Raises:
            LookupError: The day is before the first rates.
        """
        return self.futures[self.exchanges.get(underlying, "NSE")].on(day)


def charge_table(rows: Iterable[Mapping[str, str]]) -> Dated[ChargeRates]:
    """Build the dated rates of one exchange; the figures of the table are percent."""
    return Dated((date.fromisoformat(row["from"]), _rates(row)) for row in rows)


def _rates(row: Mapping[str, str]) -> ChargeRates:
    percent = {
        name: Decimal(row[name]) / _HUNDRED
        for name in ("stt_sell", "transaction", "investor_protection", "sebi", "stamp_buy", "gst")
    }
    return ChargeRates(
        **percent,
        brokerage=Decimal(row["brokerage_rupees"]),
        stt_exercise=Decimal(row.get("stt_exercise", "0")) / _HUNDRED,
    )
