"""Writing a book to the tables in memory, and taking the writes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import Move, ParentOrder
from angel_x.domain.orders.order import ASKED, Order, OrderStatus, check_move
from tests.fakes.tables import Event, Row, Tables

K = TypeVar("K")
V = TypeVar("V")
#: Computed when an order is read, and not stored.
_READ_ONLY = {"age_seconds", "parent_quantity"}
_STORED = [f.name for f in fields(Order) if f.name not in _READ_ONLY]
_REFUSED = {OrderStatus.DENIED, OrderStatus.REJECTED}


class Recording:
    """The writes of one transaction."""

    def __init__(self, tables: Tables, lease_seconds: float) -> None:
        self._tables = tables
        self._lease_seconds = lease_seconds
        self._undo: list[Callable[[], None]] = []

    def write(self, book: Book, actor: str) -> list[ParentOrder]:
        for move in {m.order.id: m for m in book.moves}.values():
            self._move(book, move)
        self._tell([_event(move, actor) for move in book.moves])
        self._update(self._tables.accounts, {a.id: replace(a) for a in book.accounts.values()})
        exposures = {key: replace(book.exposures[key]) for key in book.exposed}
        self._update(self._tables.exposures, exposures)
        self._update(self._tables.margins, dict(book.margins.changed()))
        self._hold(book)
        return self._follow(book, actor)

    def keep(self, row: Row) -> None:
        """Remember a row before it is changed."""
        before, order = replace(row), replace(row.order)

        def restore() -> None:
            _overwrite(before.order, order)
            for name in vars(before):
                setattr(row, name, getattr(before, name))

        self._undo.append(restore)

    def undo(self) -> None:
        for undo in reversed(self._undo):
            undo()
        self.settle()

    def settle(self) -> None:
        """Make it durable: nothing is to be undone any more."""
        self._undo = []

    def _move(self, book: Book, move: Move) -> None:
        moved, row, now = move.order, self._tables.rows[move.order.id], self._tables.clock()
        check_move(row.order.status, moved.status)
        self.keep(row)
        _overwrite(row.order, moved)
        if any(requeued for order, requeued in book.amended if order.id == moved.id):
            row.order.time_priority = 1 + max(
                other.order.time_priority for other in self._tables.rows.values()
            )
        lease = now + timedelta(seconds=self._lease_seconds)
        row.reason = move.reason
        row.lease_until = lease if moved.status in ASKED else None
        row.closed_at = now if moved.status.is_closed else None

    def _hold(self, book: Book) -> None:
        flat = {p.id for p in book.flattened}
        held = {key: p for key, p in self._tables.positions.items() if p.id not in flat}
        for key, position in book.positions.items():
            held[key] = replace(position)
            if position.id is None:
                held[key].id = next(self._tables.numbers)
                held[key].entry_time = self._tables.clock()
        self._refill(self._tables.positions, held)

    def _follow(self, book: Book, actor: str) -> list[ParentOrder]:
        """Let sliced orders be what their slices are; return those that moved."""
        parents_moved = []
        parents = {m.order.parent_id for m in book.moves if m.order.parent_id is not None}
        for parent_id in sorted(parents):
            row = self._tables.rows[parent_id]
            standing = Standing.of_slices(row, _slices(self._tables, parent_id))
            if standing.differs(row.order):
                self.keep(row)
                standing.write(row, self._tables.clock())
                self._tell([Event(parent_id, standing.status, actor, standing.reason)])
                parents_moved.append(_parent(row))
        return parents_moved

    def _tell(self, events: list[Event]) -> None:
        told = self._tables.events
        before = len(told)
        self._undo.append(lambda: told.__delitem__(slice(before, None)))
        told += events

    def _update(self, table: dict[K, V], changed: Mapping[K, V]) -> None:
        self._refill(table, table | dict(changed))

    def _refill(self, table: dict[K, V], content: Mapping[K, V]) -> None:
        before = dict(table)

        def refill(content: Mapping[K, V]) -> None:
            table.clear()
            table.update(content)

        self._undo.append(lambda: refill(before))
        refill(content)


@dataclass(frozen=True)
class Standing:
    """What the slices of an order have come to together."""

    status: OrderStatus
    reason: str | None
    filled_quantity: int
    traded_value: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None

    @classmethod
    def of_slices(cls, parent: Row, slices: Sequence[Row]) -> Standing:
        orders, standing = [row.order for row in slices], parent.order
        filled = sum(order.filled_quantity for order in orders)
        living = [order for order in orders if not order.status.is_closed]
        by_weight = sorted(slices, key=lambda row: row.order.status is not OrderStatus.EXPIRED)
        return cls(
            _status(standing, orders, filled),
            next((row.reason for row in by_weight if row.reason is not None), None),
            filled,
            sum((order.traded_value for order in orders), Decimal(0)),
            (living[0].limit_price if living else None) or standing.limit_price,
            (living[0].trigger_price if living else None) or standing.trigger_price,
        )

    def differs(self, order: Order) -> bool:
        mine = self.status, self.filled_quantity, self.limit_price, self.trigger_price
        return mine != (
            order.status,
            order.filled_quantity,
            order.limit_price,
            order.trigger_price,
        )

    def write(self, row: Row, now: datetime) -> None:
        for name in ("status", "filled_quantity", "traded_value", "limit_price", "trigger_price"):
            setattr(row.order, name, getattr(self, name))
        row.reason = self.reason
        row.closed_at = now if self.status.is_closed else None


def _status(parent: Order, slices: Sequence[Order], filled: int) -> OrderStatus:
    statuses = {order.status for order in slices}
    is_open = any(not status.is_closed for status in statuses)
    if statuses == {OrderStatus.RECEIVED}:
        return OrderStatus.RECEIVED
    if filled == parent.quantity:
        return OrderStatus.FILLED
    if is_open:
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.WORKING
    if OrderStatus.EXPIRED in statuses:
        return OrderStatus.EXPIRED
    if parent.status is OrderStatus.RECEIVED and not filled and statuses <= _REFUSED:
        return OrderStatus.DENIED
    return OrderStatus.CANCELED


def _slices(tables: Tables, parent_id: int) -> list[Row]:
    return [row for _, row in sorted(tables.rows.items()) if row.order.parent_id == parent_id]


def _overwrite(stored: Order, order: Order) -> None:
    for name in _STORED:
        setattr(stored, name, getattr(order, name))


def _event(move: Move, actor: str) -> Event:
    order = move.order
    return Event(order.id, move.status, actor, move.reason, order.attempt, move.detail)


def _parent(row: Row) -> ParentOrder:
    order = row.order
    return ParentOrder(
        user_id=order.user_id,
        order_id=order.id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side.value,
        status=order.status.value,
        reason=row.reason,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        average_price=order.average_price,
    )
