"""Reads the states of the orders of a basket."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.rows import read
from angel_x.domain.orders.order import OrderStatus, Product, Side
from angel_x.domain.workflows.basket import Leg

if TYPE_CHECKING:
    from sqlalchemy import Engine

# A parent order is always held; its slices show whether it may be decided.
_LEGS = f"""
SELECT o.id, o.client_order_id, o.symbol, o.side, o.product, o.quantity, o.filled_quantity,
    o.status, o.reason, p.is_held, p.ids AS part_ids
FROM orders o CROSS JOIN LATERAL (
    SELECT bool_or(c.held AND c.status = '{OrderStatus.RECEIVED}') AS is_held, array_agg(c.id ORDER BY c.id) AS ids
    FROM orders c WHERE c.basket_id = o.basket_id AND c.slices = 0
        AND (c.id = o.id OR c.parent_id = o.id)
) p
WHERE o.basket_id = %(basket_id)s AND o.parent_id IS NULL ORDER BY o.id
"""


class _LegRow(NamedTuple):
    id: int
    client_order_id: str
    symbol: str
    side: str
    product: str
    quantity: int
    filled_quantity: int
    status: str
    reason: str | None
    is_held: bool | None
    part_ids: list[int]


class BasketLegs:
    """Reads the orders of one basket at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, workflow_id: int) -> list[Leg]:
        return [_leg(row) for row in read(self._engine, _LEGS, _LegRow, {"basket_id": workflow_id})]


def _leg(row: _LegRow) -> Leg:
    return Leg(
        row.id, row.client_order_id, row.symbol, Side(row.side), Product(row.product),
        row.quantity, row.filled_quantity, OrderStatus(row.status), row.reason,
        bool(row.is_held), tuple(row.part_ids),
    )  # fmt: skip
