"""Finding orders that something is due for: a look at the market, the end of validity, a ring."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from angel_x.domain.order import Priority, Side

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_RESTING = """
SELECT id, symbol, side, limit_price FROM orders
WHERE status IN ('working', 'trigger_pending', 'partially_filled') AND limit_price IS NOT NULL
ORDER BY id
"""
_ENDED = """
SELECT id FROM orders
WHERE status IN ('received', 'submitting', 'working', 'trigger_pending', 'partially_filled')
    AND valid_until <= %(now)s
ORDER BY valid_until LIMIT %(limit)s
"""
_DUE = """
SELECT id, priority, rings FROM orders
WHERE status = 'received' AND ring_at <= clock_timestamp() AND priority = ANY(%(lanes)s)
ORDER BY ring_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_RUNG = """
UPDATE orders o SET rings = t.rings, ring_at = clock_timestamp() + make_interval(secs => t.pause)
FROM unnest(%(ids)s::bigint[], %(rings)s::integer[], %(pauses)s::float8[]) AS t (id, rings, pause)
WHERE o.id = t.id
"""
_OLDEST = """
SELECT coalesce(max(EXTRACT(EPOCH FROM clock_timestamp() - accepted_at)), 0)::float8
FROM orders WHERE status = 'received'
"""


@dataclass(frozen=True, slots=True)
class Resting:
    """An order that rests, reduced to what matching looks at."""

    id: int
    symbol: str
    side: Side
    #: Rupees.
    limit_price: Decimal


@dataclass(frozen=True, slots=True)
class Due:
    """An order that has waited for longer than a doorbell should take."""

    id: int
    priority: Priority
    #: How often the relay has rung for it while nothing stood in its queue.
    rings: int


class DueUnit:
    """The due rows of one relay, locked until it is left."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def due(self, lanes: Collection[Priority], limit: int) -> list[Due]:
        """Return the longest due orders of some lanes that no other relay holds."""
        parameters = {"lanes": [lane.value for lane in lanes], "limit": limit}
        rows = self._connection.exec_driver_sql(_DUE, parameters)
        return [Due(order_id, Priority(lane), rings) for order_id, lane, rings in rows]

    def rung(self, rings: dict[int, tuple[int, float]]) -> None:
        """Note rings, and seconds until the next one, by order; then commit."""
        parameters = {
            "ids": list(rings),
            "rings": [count for count, _ in rings.values()],
            "pauses": [pause for _, pause in rings.values()],
        }
        self._connection.exec_driver_sql(_RUNG, parameters)
        self._connection.commit()


class OrderSearch:
    """Reads of the orders table through its partial indexes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def resting(self) -> list[Resting]:
        """Return every limit order that rests, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(_RESTING).fetchall()
        return [Resting(i, symbol, Side(side), limit) for i, symbol, side, limit in rows]

    def ended(self, now: datetime, limit: int) -> list[int]:
        """Return open orders whose validity ended at or before ``now``."""
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(_ENDED, {"now": now, "limit": limit})
            return [order_id for (order_id,) in rows]

    def oldest_waiting_seconds(self) -> float:
        """Return how long the oldest received order has waited, zero if there is none."""
        with self._engine.connect() as connection:
            return float(connection.exec_driver_sql(_OLDEST).scalar_one())

    @contextmanager
    def due_unit(self) -> Iterator[DueUnit]:
        """Open a transaction over due rows."""
        with self._engine.connect() as connection:
            yield DueUnit(connection)
