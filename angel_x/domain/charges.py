"""Charges on an executed option order: brokerage, taxes, exchange and regulator fees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.dated import Dated
from angel_x.domain.money import to_paisa
from angel_x.domain.order import Side

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class ChargeRates:
    """Fractions of the premium, except brokerage (rupees an order) and GST (a fraction of fees)."""

    stt_sell: Decimal
    transaction: Decimal
    investor_protection: Decimal
    sebi: Decimal
    stamp_buy: Decimal
    gst: Decimal
    brokerage: Decimal

    def on_fill(self, side: Side, premium: Decimal, *, opens_order: bool) -> Decimal:
        """Return the charges of one fill in rupees, rounded to the paisa.

        GST is due on brokerage, transaction charge and SEBI fee.  Brokerage is per order, so only
        the first fill of an order (``opens_order``) bears it.
        """
        brokerage = self.brokerage if opens_order else Decimal(0)
        taxed = brokerage + premium * (self.transaction + self.sebi)
        duty = self.stt_sell if side is Side.SELL else self.stamp_buy
        return to_paisa(taxed * (1 + self.gst) + premium * (duty + self.investor_protection))


def charge_table(rows: Iterable[Mapping[str, str]]) -> Dated[ChargeRates]:
    """Build the dated rates from the parsed ``charges`` table, whose figures are percent."""
    return Dated((date.fromisoformat(row["from"]), _rates(row)) for row in rows)


def _rates(row: Mapping[str, str]) -> ChargeRates:
    percent = {
        name: Decimal(row[name]) / _HUNDRED
        for name in ("stt_sell", "transaction", "investor_protection", "sebi", "stamp_buy", "gst")
    }
    return ChargeRates(**percent, brokerage=Decimal(row["brokerage_rupees"]))
