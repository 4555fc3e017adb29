"""The stored orders, for comparison with the receipts of clients."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import named
from angel_x.domain.orders.order import OrderStatus, Priority

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Engine

#: Statuses of an order that is neither closed nor in the market.
WAITING = (OrderStatus.RECEIVED, OrderStatus.SUBMITTING)

# Slices are made by the system and were not submitted.
_STORED = """
SELECT u.name AS account, o.client_order_id, o.id::text AS order_id, o.symbol, o.side, o.quantity,
    o.status, coalesce(f.quantity, 0)::integer AS filled
FROM orders o JOIN users u ON u.id = o.user_id
LEFT JOIN (SELECT order_id, sum(quantity) AS quantity FROM fills GROUP BY order_id) f
    ON f.order_id = o.id
WHERE o.parent_id IS NULL
"""
_TWICE = """
SELECT 'execution ' || execution_id FROM fills GROUP BY execution_id HAVING count(*) > 1
"""
_EXECUTIONS = "SELECT execution_id FROM fills ORDER BY execution_id"
# Orders that are decided one by one, because another one ends every process, may be late.
_OVERTAKEN = f"""
SELECT name || '/' || client_order_id FROM (
    SELECT u.name, o.client_order_id, d.event, max(d.event) OVER (
        PARTITION BY o.user_id, o.priority ORDER BY o.id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS latest_before
    FROM orders o JOIN users u ON u.id = o.user_id
    JOIN (
        SELECT DISTINCT ON (order_id) order_id, id AS event, actor FROM order_events
        WHERE status <> '{OrderStatus.RECEIVED}' ORDER BY order_id, id
    ) d ON d.order_id = o.id AND d.actor = 'execution'
    WHERE o.parent_id IS NULL AND o.rings < %(patience)s
) decided WHERE event < latest_before
"""
_PRESENT = "SELECT id FROM orders WHERE id = ANY(%(ids)s::bigint[])"
_UNDECIDED = f"""
SELECT count(*) FROM orders
WHERE status IN {literals(WAITING)} AND accepted_at <= coalesce(%(by)s, clock_timestamp())
"""
_SLOWEST = f"""
SELECT coalesce(max(extract(epoch FROM decided.at - o.accepted_at)), 0)
FROM orders o JOIN (
    SELECT order_id, min(at) AS at FROM order_events WHERE status <> '{OrderStatus.RECEIVED}' GROUP BY order_id
) decided ON decided.order_id = o.id
"""


_WAITS = f"""
SELECT extract(epoch FROM o.accepted_at)::float8, extract(epoch FROM decided.at)::float8
FROM orders o JOIN (
    SELECT order_id, min(at) AS at FROM order_events WHERE status <> '{OrderStatus.RECEIVED}' GROUP BY order_id
) decided ON decided.order_id = o.id
WHERE o.priority = %(lane)s
"""


class _StoredRow(NamedTuple):
    account: str
    client_order_id: str
    order_id: str
    symbol: str
    side: str
    quantity: int
    status: str
    filled: int


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """A submitted order with its fills."""

    user: str
    client_order_id: str
    order_id: str
    #: Symbol, side and quantity.
    content: tuple[str, str, int]
    status: str
    #: Units, by the fills.
    filled: int


class Evidence:
    """Reads of the whole database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def orders(self) -> Iterator[StoredOrder]:
        """Yield every submitted order."""
        with self._engine.connect() as connection:
            for row in named(connection.exec_driver_sql(_STORED), _StoredRow):
                content = row.symbol, row.side, row.quantity
                yield StoredOrder(
                    row.account, row.client_order_id, row.order_id, content, row.status, row.filled
                )

    def doubled_executions(self) -> list[str]:
        """Return the ids of executions that were booked twice."""
        with self._engine.connect() as connection:
            return list(connection.exec_driver_sql(_TWICE).scalars())

    def executions(self) -> list[str]:
        """Return the venue's name of every execution, as often as it was booked."""
        with self._engine.connect() as connection:
            return list(connection.exec_driver_sql(_EXECUTIONS).scalars())

    def overtaken(self, rings: int) -> list[str]:
        """Return orders that were decided before an earlier one of the same account and lane.

        Orders with at least ``rings`` rings are left out.
        """
        with self._engine.connect() as connection:
            return list(connection.exec_driver_sql(_OVERTAKEN, {"patience": rings}).scalars())

    def missing(self, order_ids: Collection[int]) -> set[int]:
        """Return the orders that no other transaction sees."""
        with self._engine.connect() as connection:
            present = connection.exec_driver_sql(_PRESENT, {"ids": array(order_ids)}).scalars()
            return set(order_ids) - set(present)

    def now(self) -> datetime:
        """Return the time by the database's clock."""
        with self._engine.connect() as connection:
            now: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
            return now

    def undecided(self, by: datetime | None = None) -> int:
        """Return the number of orders accepted by then that are neither closed nor in the market."""
        with self._engine.connect() as connection:
            return int(connection.exec_driver_sql(_UNDECIDED, {"by": by}).scalar_one())

    def waits(self, lane: Priority) -> NDArray[np.float64]:
        """Return when each decided order of a lane was accepted and decided, in seconds."""
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(_WAITS, {"lane": lane.value}).fetchall()
        return np.array([tuple(row) for row in rows], np.float64).reshape(-1, 2)

    def slowest_seconds(self) -> float:
        """Return the longest wait of an order for its decision, in seconds."""
        with self._engine.connect() as connection:
            return float(connection.exec_driver_sql(_SLOWEST).scalar_one())
