"""How many orders wait, and for how long: read through partial indexes, flat in table size."""

from __future__ import annotations

from sqlalchemy import Engine, TextClause, text

from angel_x.domain.operations.backlog import LaneBacklog
from angel_x.domain.orders.order import OPEN, OrderStatus, Priority

_LANES = text("""
    SELECT priority, count(*), extract(epoch FROM clock_timestamp() - min(accepted_at))
    FROM orders WHERE status = 'received' AND NOT held GROUP BY priority
""")
# The list is spelled as in the partial index, which the planner compares by text.
_OPEN_ORDERS = text("""
    SELECT status, count(*) FROM orders
    WHERE status IN ('received', 'submitting', 'working', 'trigger_pending', 'partially_filled')
    GROUP BY status
""")
_OLDEST_DUE = text("""
    SELECT extract(epoch FROM clock_timestamp() - min(ring_at))
    FROM orders WHERE status = 'received' AND NOT held AND ring_at <= clock_timestamp()
""")
_EXPIRED_LEASES = text("""
    SELECT count(*) FROM orders WHERE status = 'submitting' AND lease_until <= clock_timestamp()
""")
_WORKFLOWS_DUE = text("""
    SELECT count(*) FROM workflows WHERE status = 'running' AND due_at <= clock_timestamp()
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

    def expired_leases(self) -> int:
        """Return how many orders were sent to the venue by a process that fell silent."""
        return self._count(_EXPIRED_LEASES)

    def workflows_due(self) -> int:
        """Return how many workflows nobody has taken on although their time has come."""
        return self._count(_WORKFLOWS_DUE)

    def listed_contracts(self) -> int:
        return self._count(_LISTED)

    def _count(self, statement: TextClause) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(statement).scalar_one())
