"""Overdue emergency orders, the oldest of each account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.lane_orders import LaneOrders
from angel_x.adapters.postgres.silent_sessions import end_silent_deciders
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


_IS_HELD = f"""
WITH due AS (
    SELECT DISTINCT user_id FROM orders
    WHERE id = ANY(%(ids)s::bigint[]) AND status = '{OrderStatus.RECEIVED}' AND rings < %(attempts)s
        AND accepted_at < clock_timestamp() - make_interval(secs => %(after)s::float8)
), free AS (
    SELECT id FROM users WHERE id IN (SELECT user_id FROM due) FOR NO KEY UPDATE SKIP LOCKED
)
SELECT EXISTS (SELECT user_id FROM due EXCEPT SELECT id FROM free)
"""


class PostgresOverdueOrders:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._orders = LaneOrders(engine, each=1)

    def take(self, *, after_seconds: float, attempts: int) -> list[int]:
        """Count an attempt for the oldest overdue order of each free account; return these orders.

        Where another transaction holds an account, sessions that hold one and are silent are ended, so
        that the next call finds it free.
        """
        waiting = self._orders.waiting(Priority.EMERGENCY, _AT_A_TIME)
        if not waiting:
            return []
        parameters = {
            "ids": array(order_id for account in waiting for order_id in account),
            "after": after_seconds,
            "attempts": attempts,
        }
        with self._engine.begin() as connection:
            taken = list(connection.exec_driver_sql(_TAKE, parameters).scalars())
        with self._engine.begin() as connection:
            if connection.exec_driver_sql(_IS_HELD, parameters).scalar_one():
                end_silent_deciders(connection)
        return taken
