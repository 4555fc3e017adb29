"""Parked orders, and sending one again, over tables in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import OrderStatus, OrderType
from angel_x.domain.records.audit import ParkedOrder, ReplayCandidate
from tests.fakes.tables import Event, Row, Tables
from tests.fakes.units import WouldWait

_FAILED = DenialReason.PROCESSING_FAILED
_REFUSED = {OrderStatus.DENIED, OrderStatus.REJECTED}
#: Their limit is what they were sent with; another one has got it when it was decided.
_LIMITED = {OrderType.LIMIT, OrderType.STOP_LIMIT}


class MemoryReplays:
    def __init__(
        self,
        tables: Tables,
        *,
        ring_after_seconds: float,
        expires_at: Callable[[str], datetime],
    ) -> None:
        self.tables = tables
        self.ring_after_seconds = ring_after_seconds
        self.expires_at = expires_at
        #: The orders as which each was sent again.
        self.replays: dict[int, list[int]] = {}

    def parked(self, limit: int, *, replayed: bool) -> list[ParkedOrder]:
        shown = [
            self._shown(row)
            for _, row in sorted(self.tables.rows.items(), reverse=True)
            if _is_parked(row) and (replayed or row.order.id not in self.replays)
        ]
        return shown[:limit]

    def waiting(self) -> int:
        return len(self.parked(len(self.tables.rows), replayed=False))

    @contextmanager
    def begin(self) -> Iterator[MemoryReplayUnit]:
        unit = MemoryReplayUnit(self)
        try:
            yield unit
        finally:
            unit.leave()

    def _shown(self, row: Row) -> ParkedOrder:
        order, events = row.order, self.tables.events
        assert row.closed_at is not None
        details = [e.detail for e in events if e.order_id == order.id and e.reason == _FAILED]
        return ParkedOrder(
            order_id=str(order.id),
            client_order_id=order.client_order_id,
            account=f"user{order.user_id}",
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            status=order.status,
            parked_at=row.closed_at,
            detail=details[-1] if details else None,
            replayed_as=str(self.replays[order.id][-1]) if order.id in self.replays else None,
        )


class MemoryReplayUnit:
    """One order, locked.  Leaving it without :meth:`send` changes nothing."""

    def __init__(self, store: MemoryReplays) -> None:
        self._store = store
        self._tables = store.tables

    def candidate(self, order_id: int) -> ReplayCandidate | None:
        row = self._root(order_id)
        if row is None:
            return None
        order = row.order
        if self._tables.order_locks.setdefault(order.id, self) is not self:
            raise WouldWait(f"another transaction holds the order, was {order.id}")
        sent = [self._tables.rows[number] for number in self._store.replays.get(order.id, [])]
        living = [r.order.id for r in sent if r.closed_at is None or r.order.filled_quantity]
        is_of_workflow = row.basket_id is not None or order.client_order_id.startswith(
            "square-off "
        )
        return ReplayCandidate(
            order.id,
            order.client_order_id,
            order.priority,
            _is_parked(row),
            is_of_workflow,
            len(sent),
            max(living, default=None),
        )

    def send(self, order_id: int, client_order_id: str, *, day_ends: datetime, actor: str) -> int:
        parked, number = self._tables.rows[order_id].order, max(self._tables.rows) + 1
        order = replace(
            parked,
            id=number,
            client_order_id=client_order_id,
            status=OrderStatus.RECEIVED,
            limit_price=parked.limit_price if parked.order_type in _LIMITED else None,
            valid_until=min(day_ends, self._store.expires_at(parked.symbol)),
            filled_quantity=0,
            traded_value=Decimal(0),
            reserved=Decimal(0),
            attempt=0,
            reason=None,
            parent_id=None,
            time_priority=number,
        )
        row = self._tables.store(order)
        row.ring_at = self._tables.clock() + timedelta(seconds=self._store.ring_after_seconds)
        event = Event(number, OrderStatus.RECEIVED, actor, "REPLAYED")
        self._tables.events.append(event)
        self._store.replays.setdefault(order_id, []).append(number)
        self.leave()
        return number

    def leave(self) -> None:
        locks = self._tables.order_locks
        for order_id in [order_id for order_id, holder in locks.items() if holder is self]:
            del locks[order_id]

    def _root(self, order_id: int) -> Row | None:
        """Return the order that was parked first, under whichever replay's id it is asked for."""
        given = self._tables.rows.get(order_id)
        if given is None:
            return None
        name = re.sub(r" replay [0-9]+$", "", given.order.client_order_id)
        owner = given.order.user_id
        rows = self._tables.rows.values()
        return next(r for r in rows if (r.order.user_id, r.order.client_order_id) == (owner, name))


def _is_parked(row: Row) -> bool:
    return row.reason == _FAILED and row.order.status in _REFUSED and not row.slices
