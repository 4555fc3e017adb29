"""Overdue emergency orders, the oldest of each account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.lane_orders import LaneOrders
from angel_x.domain.orders.order import OrderStatus, Priority

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: Accounts of one look.
_AT_A_TIME = 50
# Who decides an order holds the row of its account.
_TAKE = f"""
UPDATE orders SET rings = rings + 1 WHERE id IN (
    SELECT o.id FROM orders o JOIN users u ON u.id = o.user_id
    WHERE o.id = ANY(%(ids)s::bigint[]) AND o.status = '{OrderStatus.RECEIVED}' AND o.rings < %(attempts)s
        AND o.accepted_at < clock_timestamp() - (o.rings + 1) * make_interval(secs => %(after)s::float8)
    FOR NO KEY UPDATE OF o, u SKIP LOCKED
) RETURNING id
"""


class PostgresOverdueOrders:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._orders = LaneOrders(engine, each=1)

    def take(self, *, after_seconds: float, attempts: int) -> list[int]:
        waiting = self._orders.waiting(Priority.EMERGENCY, _AT_A_TIME)
        if not waiting:
            return []
        parameters = {
            "ids": array(order_id for account in waiting for order_id in account),
            "after": after_seconds,
            "attempts": attempts,
        }
        with self._engine.begin() as connection:
            return list(connection.exec_driver_sql(_TAKE, parameters).scalars())
