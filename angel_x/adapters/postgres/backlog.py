"""Counts and ages of waiting orders, read through partial indexes independent of the table's size."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Engine

from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import read
from angel_x.domain.operations.backlog import LaneBacklog
from angel_x.domain.orders.order import ASKED, OPEN, OrderStatus, Priority
from angel_x.domain.workflows.workflow import WorkflowStatus

_LANES = f"""
SELECT priority, count(*) AS orders,
    extract(epoch FROM clock_timestamp() - min(accepted_at)) AS oldest_seconds
FROM orders WHERE status = '{OrderStatus.RECEIVED}' AND NOT held GROUP BY priority
"""
_OPEN_ORDERS = f"""
SELECT status, count(*) AS orders FROM orders WHERE status IN {literals(OPEN)} GROUP BY status
"""
_OLDEST_DUE = f"""
SELECT extract(epoch FROM clock_timestamp() - min(ring_at))
FROM orders WHERE status = '{OrderStatus.RECEIVED}' AND NOT held AND ring_at <= clock_timestamp()
"""
_EXPIRED_LEASES = f"""
SELECT count(*) FROM orders
WHERE status IN {literals(ASKED)} AND lease_until <= clock_timestamp()
"""
_WORKFLOWS_DUE = f"""
SELECT count(*) FROM workflows
WHERE status = '{WorkflowStatus.RUNNING}' AND due_at <= clock_timestamp()
"""
_LISTED = "SELECT count(*) FROM contracts WHERE listed"


class _LaneRow(NamedTuple):
    priority: str
    orders: int
    oldest_seconds: Decimal


class _StatusRow(NamedTuple):
    status: str
    orders: int


class Backlog:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def lanes(self) -> dict[Priority, LaneBacklog]:
        """Return the undecided orders of every priority."""
        found = {
            Priority(row.priority): LaneBacklog(row.orders, float(row.oldest_seconds))
            for row in read(self._engine, _LANES, _LaneRow)
        }
        return {priority: found.get(priority, LaneBacklog(0, 0.0)) for priority in Priority}

    def open_orders(self) -> dict[OrderStatus, int]:
        """Return the number of orders in every open status."""
        rows = read(self._engine, _OPEN_ORDERS, _StatusRow)
        found = {OrderStatus(row.status): row.orders for row in rows}
        return {status: found.get(status, 0) for status in OrderStatus if status in OPEN}

    def oldest_due_seconds(self) -> float:
        """Return the seconds by which the most overdue order is overdue for another ring."""
        with self._engine.connect() as connection:
            return float(connection.exec_driver_sql(_OLDEST_DUE).scalar() or 0)

    def expired_leases(self) -> int:
        """Return the number of orders at a venue with an expired lease."""
        return self._count(_EXPIRED_LEASES)

    def workflows_due(self) -> int:
        """Return the number of due workflows that no process advances."""
        return self._count(_WORKFLOWS_DUE)

    def listed_contracts(self) -> int:
        return self._count(_LISTED)

    def _count(self, statement: str) -> int:
        with self._engine.connect() as connection:
            return int(connection.exec_driver_sql(statement).scalar_one())
