"""An amendment: quantity and prices of an order after a change."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.orders.order import Order


@dataclass(frozen=True, slots=True)
class Amendment:
    """What an order says after it was changed."""

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
        """Return what is different from an amendment before this one, for people."""
        pairs = (
            ("quantity", before.quantity, self.quantity),
            ("price", before.limit_price, self.limit_price),
            ("trigger price", before.trigger_price, self.trigger_price),
        )
        return ", ".join(f"{name} {old} → {new}" for name, old, new in pairs if old != new)

    def loses_priority(self, order: Order) -> bool:
        """Say whether the change puts the order behind those that stand at its price."""
        repriced = (self.limit_price, self.trigger_price) != (
            order.limit_price,
            order.trigger_price,
        )
        return repriced or self.quantity > order.quantity
