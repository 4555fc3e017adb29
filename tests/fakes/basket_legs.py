"""Where the orders of baskets stand, read from the tables in memory."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.workflows.basket import Leg
from tests.fakes.tables import Row, Tables


@dataclass
class MemoryBasketLegs:
    tables: Tables

    def read(self, workflow_id: int) -> list[Leg]:
        rows = [row for _, row in sorted(self.tables.rows.items()) if row.basket_id == workflow_id]
        return [_leg(row, rows) for row in rows if row.order.parent_id is None]


def _leg(row: Row, rows: list[Row]) -> Leg:
    order = row.order
    parts = [r for r in rows if order.id in (r.order.id, r.order.parent_id) and not r.slices]
    return Leg(
        order_id=order.id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        product=order.product,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        status=order.status,
        reason=row.reason,
        is_held=any(p.held and p.order.status is OrderStatus.RECEIVED for p in parts),
        parts=tuple(p.order.id for p in parts),
    )
