"""How many orders wait, and for how long: read through partial indexes, flat in table size."""

from __future__ import annotations

from sqlalchemy import Engine, text

from angel_x.domain.backlog import LaneBacklog
from angel_x.domain.order import OPEN, OrderStatus, Priority

_LANES = text("""
    SELECT priority, count(*), extract(epoch FROM clock_timestamp() - min(accepted_at))
    FROM orders WHERE status = 'received' GROUP BY priority
""")
# The list is spelled as in the partial index, which the planner compares by text.
_OPEN_ORDERS = text("""
    SELECT status, count(*) FROM orders
    WHERE status IN ('received', 'submitting', 'working', 'trigger_pending', 'partially_filled')
    GROUP BY status
""")
_OLDEST_DUE = text("""
    SELECT extract(epoch FROM clock_timestamp() - min(ring_at))
    FROM orders WHERE status = 'received' AND ring_at <= clock_timestamp()
""")
_LISTED = text("SELECT count(*) FROM contracts WHERE listed")


class Backlog:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def lanes(self) -> dict[Priority, LaneBacklog]:
        """Return what waits, for every priority."""
        with self._engine.connect() as connection:
            rows = connection.execute(_LANES).all()
        found = {Priority(row[0]): LaneBacklog(row[1], float(row[2])) for row in rows}
        return {priority: found.get(priority, LaneBacklog(0, 0.0)) for priority in Priority}

    def open_orders(self) -> dict[OrderStatus, int]:
        """Return the number of orders in every open status."""
        with self._engine.connect() as connection:
            found = {OrderStatus(row[0]): row[1] for row in connection.execute(_OPEN_ORDERS)}
        return {status: found.get(status, 0) for status in OrderStatus if status in OPEN}

    def oldest_due_seconds(self) -> float:
        """Return for how long the most overdue order should have been rung for again."""
        with self._engine.connect() as connection:
            return float(connection.execute(_OLDEST_DUE).scalar() or 0)

    def listed_contracts(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(_LISTED).scalar_one())
