"""The change of an order from the texts of its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from angel_x.domain.records.order_record import OrderRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAmendment:
    """The fields that change; the others are None."""

    price: Decimal | None = None
    trigger_price: Decimal | None = None
    quantity: int | None = None


def amendment(order: OrderRecord, texts: Mapping[str, str]) -> WantedAmendment | str:
    """Return the changed fields, or the words of a fault.  The API has the last word on values."""
    try:
        found = WantedAmendment(
            price=_changed(texts.get("price", ""), order.price),
            trigger_price=_changed(texts.get("trigger_price", ""), order.trigger_price),
            quantity=_units(texts.get("quantity", ""), order.quantity),
        )
    except (InvalidOperation, ValueError):
        return "Prices are rupees such as 199.05, quantities whole units."
    return "Nothing is changed." if found == WantedAmendment() else found


def _changed(text: str, former: Decimal | None) -> Decimal | None:
    plain = text.replace(",", "").replace("₹", "").strip()
    if not plain:
        return None
    number = Decimal(plain)
    if not number.is_finite():
        raise ValueError(text)
    return None if number == former else number


def _units(text: str, former: int) -> int | None:
    plain = text.replace(",", "").strip()
    number = int(plain) if plain else former
    return None if number == former else number
