"""Finding orders that something is due for: a look at the market, the end of validity, a ring."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.exchange.matching import ORDER
from angel_x.domain.orders.order import Priority
from angel_x.domain.orders.step import Passing, Step, unhindered

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection, Engine

    from angel_x.domain.contracts.universe import Universe

# In the order of ORDER, with the symbol in the place of the row.
_RESTING = """
SELECT id, symbol, side = 'BUY', (limit_price * 100)::bigint,
    coalesce((trigger_price * 100)::bigint, 0), status = 'trigger_pending',
    quantity - filled_quantity, filled_quantity, time_priority
FROM orders
WHERE status IN ('working', 'trigger_pending', 'partially_filled') AND limit_price IS NOT NULL
"""
_RESTING_IN = f"{_RESTING} AND symbol = ANY(%(symbols)s)"
# An order that is on its way belongs to whoever sent it; a sliced one ends with its slices.
_ENDED = """
SELECT id FROM orders
WHERE status IN ('received', 'submitting', 'working', 'trigger_pending', 'partially_filled')
    AND valid_until <= %(now)s AND slices = 0
    AND (status <> 'submitting' OR lease_until <= clock_timestamp())
ORDER BY valid_until LIMIT %(limit)s
"""
# What waits and what was left on its way, by an index each.  FOR NO KEY UPDATE is what a change of
# status takes, so events that refer to an order can be written meanwhile.
_DUE = """
WITH waiting AS (
    SELECT id, priority, rings, ring_at, false AS is_abandoned FROM orders
    WHERE status = 'received' AND NOT held
        AND ring_at <= clock_timestamp() AND priority = ANY(%(lanes)s)
    ORDER BY ring_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), abandoned AS (
    SELECT id, priority, rings, ring_at, true AS is_abandoned FROM orders
    WHERE status = 'submitting' AND lease_until <= clock_timestamp()
        AND ring_at <= clock_timestamp() AND priority = ANY(%(lanes)s)
    ORDER BY lease_until LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
)
SELECT id, priority, rings, is_abandoned FROM waiting
UNION ALL SELECT id, priority, rings, is_abandoned FROM abandoned
"""
_RUNG = """
UPDATE orders o SET rings = t.rings, ring_at = clock_timestamp() + make_interval(secs => t.pause)
FROM unnest(%(ids)s::bigint[], %(rings)s::integer[], %(pauses)s::float8[]) AS t (id, rings, pause)
WHERE o.id = t.id
"""


@dataclass(frozen=True, slots=True)
class Due:
    """An order that has waited for longer than a doorbell should take."""

    id: int
    priority: Priority
    #: How often the relay has rung for it while nothing stood in its queue.
    rings: int
    #: It was sent to the venue by a process of which nobody has heard since.
    is_abandoned: bool = False


class DueUnit:
    """The due rows of one relay, locked until it is left."""

    def __init__(self, connection: Connection, at: Passing) -> None:
        self._connection = connection
        self._at = at

    def due(self, lanes: Collection[Priority], limit: int) -> list[Due]:
        """Return the longest due orders of some lanes that no other relay holds, of each kind."""
        parameters = {"lanes": [lane.value for lane in lanes], "limit": limit}
        rows = self._connection.exec_driver_sql(_DUE, parameters)
        due = [Due(order_id, Priority(lane), rings, left) for order_id, lane, rings, left in rows]
        if due:
            self._at(Step.SWEEP_READ)
        return due

    def rung(self, rings: dict[int, tuple[int, float]]) -> None:
        """Note rings, and seconds until the next one, by order; then commit."""
        self._at(Step.SWEEP_RUNG)
        parameters = {
            "ids": list(rings),
            "rings": [count for count, _ in rings.values()],
            "pauses": [pause for _, pause in rings.values()],
        }
        self._connection.exec_driver_sql(_RUNG, parameters)
        self._connection.commit()
        self._at(Step.SWEEP_NOTED)


class OrderSearch:
    """Reads of the orders table through its partial indexes."""

    def __init__(self, engine: Engine, at: Passing = unhindered) -> None:
        self._engine = engine
        self._at = at

    def resting(self, universe: Universe, symbols: Sequence[str] | None) -> NDArray[np.void]:
        """Return one ORDER for each limit order that rests in those contracts, or in all."""
        with self._engine.connect() as connection:
            if symbols is None:
                found = connection.exec_driver_sql(_RESTING).fetchall()
            else:
                parameters = {"symbols": list(symbols)}
                found = connection.exec_driver_sql(_RESTING_IN, parameters).fetchall()
        orders = np.zeros(len(found), ORDER)
        if found:
            rows = universe.rows
            columns = dict(zip(ORDER.names or (), zip(*found, strict=True), strict=True))
            columns["row"] = tuple(rows.get(symbol, -1) for symbol in columns["row"])
            for name, column in columns.items():
                orders[name] = column
        return orders

    def ended(self, now: datetime, limit: int) -> list[int]:
        """Return open orders whose validity ended at or before ``now``, save those on their way."""
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(_ENDED, {"now": now, "limit": limit})
            return [order_id for (order_id,) in rows]

    @contextmanager
    def due_unit(self) -> Iterator[DueUnit]:
        """Open a transaction over due rows."""
        with self._engine.connect() as connection:
            yield DueUnit(connection, self._at)
