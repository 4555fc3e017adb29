"""An amendment: quantity and prices of an order after a change."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.orders.order import Order


@dataclass(frozen=True, slots=True)
class Amendment:
    """The quantity and prices of an order after an amendment."""

    quantity: int
    limit_price: Decimal | None
    trigger_price: Decimal | None

    @classmethod
    def of(cls, order: Order) -> Amendment:
        """Return the quantity and the prices of an order as it is."""
        return cls(order.quantity, order.limit_price, order.trigger_price)

    def at_worst(self, order: Order) -> Amendment:
        """Return the larger quantity and the higher price of this and an order as it is."""
        prices = [p for p in (self.limit_price, order.limit_price) if p is not None]
        return Amendment(
            max(self.quantity, order.quantity), max(prices, default=None), order.trigger_price
        )

    def differences(self, before: Amendment) -> str:
        """Return the differences from an earlier amendment, as text."""
        pairs = (
            ("quantity", before.quantity, self.quantity),
            ("price", before.limit_price, self.limit_price),
            ("trigger price", before.trigger_price, self.trigger_price),
        )
        return ", ".join(f"{name} {old} → {new}" for name, old, new in pairs if old != new)

    def loses_priority(self, order: Order) -> bool:
        """Return whether the amendment puts the order behind others at its price."""
        repriced = (self.limit_price, self.trigger_price) != (
            order.limit_price,
            order.trigger_price,
        )
        return repriced or self.quantity > order.quantity
