"""Finding orders that are due for expiry or for a ring."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import named
from angel_x.domain.operations.due_order import DueOrder
from angel_x.domain.orders.order import ASKED, OPEN, OrderStatus, Priority
from angel_x.domain.orders.step import Passing, Step, unhindered

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# An order on its way to the venue belongs to the process that sent it; a parent order ends with its slices.
_ENDED = f"""
SELECT id FROM orders
WHERE status IN {literals(OPEN)} AND valid_until <= %(now)s AND slices = 0
    AND (status NOT IN {literals(ASKED)} OR lease_until <= clock_timestamp())
ORDER BY valid_until LIMIT %(limit)s
"""
# What waits and what was left on its way, by an index each.  FOR NO KEY UPDATE is what a change of
# status takes, so events that refer to an order can be written meanwhile.
_DUE = f"""
WITH waiting AS (
    SELECT id, priority, rings, ring_at, false AS is_abandoned FROM orders
    WHERE status = '{OrderStatus.RECEIVED}' AND NOT held
        AND ring_at <= clock_timestamp() AND priority = ANY(%(lanes)s::text[])
    ORDER BY ring_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), abandoned AS (
    SELECT id, priority, rings, ring_at, true AS is_abandoned FROM orders
    WHERE status IN {literals(ASKED)} AND lease_until <= clock_timestamp()
        AND ring_at <= clock_timestamp()
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
# Each relay takes others: two of them share the orders of an opening.
_OPEN_MARKET = f"""
UPDATE orders SET held = false, awaits_opening = false, ring_at = clock_timestamp()
WHERE id IN (
    SELECT id FROM orders WHERE awaits_opening AND status = '{OrderStatus.RECEIVED}'
    ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
)
"""


class _DueRow(NamedTuple):
    id: int
    priority: str
    rings: int
    is_abandoned: bool


class PostgresDueUnit:
    """The due rows of one relay, locked until it is left."""

    def __init__(self, connection: Connection, at: Passing) -> None:
        self._connection = connection
        self._at = at

    def due(self, lanes: Collection[Priority], limit: int) -> list[DueOrder]:
        """Return the longest due orders that no other relay has locked, of each kind.

        ``lanes`` limits those that wait; those left on their way to the venue are of any lane.
        """
        parameters = {"lanes": array(lanes), "limit": limit}
        found = named(self._connection.exec_driver_sql(_DUE, parameters), _DueRow)
        due = [DueOrder(r.id, Priority(r.priority), r.rings, r.is_abandoned) for r in found]
        if due:
            self._at(Step.SWEEP_READ)
        return due

    def rung(self, rings: dict[int, tuple[int, float]]) -> None:
        self._at(Step.SWEEP_RUNG)
        parameters = {
            "ids": array(rings),
            "rings": array(count for count, _ in rings.values()),
            "pauses": array(pause for _, pause in rings.values()),
        }
        self._connection.exec_driver_sql(_RUNG, parameters)
        self._connection.commit()
        self._at(Step.SWEEP_NOTED)


class OrderSearch:
    """Reads of the orders table through its partial indexes."""

    def __init__(self, engine: Engine, at: Passing = unhindered) -> None:
        self._engine = engine
        self._at = at

    def ended(self, now: datetime, limit: int) -> list[int]:
        """Return open orders whose validity ended at or before ``now``, except those on their way."""
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(_ENDED, {"now": now, "limit": limit})
            return list(found.scalars())

    def open_market(self, limit: int) -> int:
        """Make orders due that waited for the opening; return their number."""
        with self._engine.begin() as connection:
            return connection.exec_driver_sql(_OPEN_MARKET, {"limit": limit}).rowcount

    @contextmanager
    def due_unit(self) -> Iterator[PostgresDueUnit]:
        """Open a transaction over due rows."""
        with self._engine.connect() as connection:
            yield PostgresDueUnit(connection, self._at)
