"""Where the orders of a basket stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from angel_x.domain.orders.order import OrderStatus, Product, Side
from angel_x.domain.workflows.basket import Leg

if TYPE_CHECKING:
    from sqlalchemy import Engine

# A sliced order is held for ever; whether it may be decided is said by its slices.
_LEGS = """
SELECT o.id, o.client_order_id, o.symbol, o.side, o.product, o.quantity, o.filled_quantity,
    o.status, o.reason, p.is_held, p.ids
FROM orders o CROSS JOIN LATERAL (
    SELECT bool_or(c.held AND c.status = 'received') AS is_held, array_agg(c.id ORDER BY c.id) AS ids
    FROM orders c WHERE c.basket_id = o.basket_id AND c.slices = 0
        AND (c.id = o.id OR c.parent_id = o.id)
) p
WHERE o.basket_id = %(basket_id)s AND o.parent_id IS NULL ORDER BY o.id
"""


class BasketLegs:
    """Reads the orders of one basket at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, workflow_id: int) -> list[Leg]:
        """Return the legs and exits of a basket, oldest first; of a sliced one the whole."""
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(_LEGS, {"basket_id": workflow_id}).fetchall()
        return [_leg(row) for row in rows]


def _leg(row: Sequence[Any]) -> Leg:
    (order_id, name, symbol, side, product, quantity, filled, status, reason, is_held, parts) = row
    return Leg(
        order_id, name, symbol, Side(side), Product(product), quantity, filled,
        OrderStatus(status), reason, bool(is_held), tuple(parts),
    )  # fmt: skip
