"""The relay's due orders in memory: the rows that one relay holds, another one skips."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice

from angel_x.domain.operations.due_order import DueOrder
from angel_x.domain.orders.order import ASKED, OrderStatus, Priority
from tests.fakes.tables import Row, Tables


class MemoryDueUnit:
    """The due rows of one relay, locked until it is left or has noted its rings."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def due(self, lanes: Collection[Priority], limit: int) -> list[DueOrder]:
        def is_due(row: Row) -> bool:
            is_free = self._tables.order_locks.get(row.order.id, self) is self
            return is_free and row.ring_at <= self._tables.clock()

        def is_waiting(row: Row) -> bool:
            is_received = row.order.status is OrderStatus.RECEIVED and not row.held
            return is_received and row.order.priority in lanes

        rows = [row for row in self._tables.rows.values() if is_due(row)]
        waiting = [r for r in rows if is_waiting(r)]
        abandoned = [r for r in rows if is_abandoned(r, self._tables.clock())]
        waiting = sorted(waiting, key=lambda r: r.ring_at)[:limit]
        abandoned = sorted(abandoned, key=_lease)[:limit]
        for row in [*waiting, *abandoned]:
            self._tables.order_locks[row.order.id] = self
        return [*map(_due(left=False), waiting), *map(_due(left=True), abandoned)]

    def rung(self, rings: dict[int, tuple[int, float]]) -> None:
        for order_id, (count, pause) in rings.items():
            row = self._tables.rows[order_id]
            row.rings, row.ring_at = count, self._tables.clock() + timedelta(seconds=pause)
        self.leave()

    def leave(self) -> None:
        locks = self._tables.order_locks
        for order_id in [order_id for order_id, holder in locks.items() if holder is self]:
            del locks[order_id]


class MemoryDueOrders:
    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def open_market(self, limit: int) -> int:
        awaiting = (
            row
            for _, row in sorted(self.tables.rows.items())
            if row.awaits_opening and row.order.status is OrderStatus.RECEIVED
        )
        opened = list(islice(awaiting, limit))
        for row in opened:
            row.held = row.awaits_opening = False
            row.ring_at = self.tables.clock()
        return len(opened)

    @contextmanager
    def due_unit(self) -> Iterator[MemoryDueUnit]:
        unit = MemoryDueUnit(self.tables)
        try:
            yield unit
        finally:
            unit.leave()


def is_abandoned(row: Row, now: datetime) -> bool:
    """Say whether the process that sent an order to the venue fell silent."""
    return row.order.status in ASKED and _lease(row) <= now


def _lease(row: Row) -> datetime:
    assert row.lease_until is not None, f"an order on its way has a lease, was {row.order.id}"
    return row.lease_until


def _due(*, left: bool) -> Callable[[Row], DueOrder]:
    return lambda row: DueOrder(row.order.id, row.order.priority, row.rings, left)
