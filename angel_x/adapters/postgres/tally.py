"""Figures over all orders: how many ended how and why, how long they took, which are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.evidence import WAITING
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import read
from angel_x.domain.orders.order import OrderStatus, Priority

if TYPE_CHECKING:
    from sqlalchemy import Engine

_BY_STATUS = "SELECT status AS name, count(*) AS orders FROM orders GROUP BY status ORDER BY status"
_DENIALS = f"""
SELECT reason AS name, count(*) AS orders FROM orders
WHERE status = '{OrderStatus.DENIED}' GROUP BY reason ORDER BY count(*) DESC
"""
_UNDECIDED = f"SELECT count(*) FROM orders WHERE status IN {literals(WAITING)}"
# An order is decided by the first thing that happens to it after its receipt.
_DECIDED = f"""
SELECT o.priority, o.accepted_at, min(e.at) AS decided_at
FROM orders o JOIN order_events e ON e.order_id = o.id AND e.status <> '{OrderStatus.RECEIVED}'
GROUP BY o.id
"""
_LATENCY = f"""
SELECT priority, count(*) AS orders,
    1000 * percentile_cont(0.5) WITHIN GROUP (
        ORDER BY extract(epoch FROM decided_at - accepted_at)) AS p50_ms,
    1000 * percentile_cont(0.99) WITHIN GROUP (
        ORDER BY extract(epoch FROM decided_at - accepted_at)) AS p99_ms
FROM ({_DECIDED}) decided GROUP BY priority
ORDER BY array_position(%(lanes)s::text[], priority)
"""
_SPAN = f"""
SELECT extract(epoch FROM max(decided_at) - min(accepted_at)) FROM ({_DECIDED}) decided
"""


class _CountRow(NamedTuple):
    name: str
    orders: int


class _LatencyRow(NamedTuple):
    priority: str
    orders: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class DecisionLatency:
    """Milliseconds from acceptance to the decision: closed, or working in the market."""

    priority: str
    orders: int
    p50_ms: float
    p99_ms: float


class Tally:
    """Counts, from one statement each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def by_status(self) -> dict[str, int]:
        return {row.name: row.orders for row in read(self._engine, _BY_STATUS, _CountRow)}

    def denials(self) -> dict[str, int]:
        """Return denied orders by reason, the most frequent first."""
        return {row.name: row.orders for row in read(self._engine, _DENIALS, _CountRow)}

    def undecided(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.exec_driver_sql(_UNDECIDED).scalar_one())

    def latency(self) -> list[DecisionLatency]:
        """Return the latency of each priority, the most urgent first."""
        return [
            DecisionLatency(row.priority, row.orders, round(row.p50_ms, 1), round(row.p99_ms, 1))
            for row in read(self._engine, _LATENCY, _LatencyRow, {"lanes": array(Priority)})
        ]

    def span_seconds(self) -> float:
        """Return the time from the first acceptance to the last decision."""
        with self._engine.connect() as connection:
            return float(connection.exec_driver_sql(_SPAN).scalar_one() or 0)
