"""Transactions over accounts and orders in memory, under the contract of those on PostgreSQL.

A transaction that would wait for another one fails instead: in a test of one thread it would wait
for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

from angel_x.domain.book.book import Book
from angel_x.domain.book.claim import Claim, share_of
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.book.moves import ParentOrder
from angel_x.domain.book.order_with_slices import OrderWithSlices
from angel_x.domain.book.settlement import Expiry
from angel_x.domain.orders.denial import MoveReason
from angel_x.domain.orders.order import (
    ASKED,
    RESTING,
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Product,
)
from angel_x.domain.orders.step import Passing, unhindered
from angel_x.domain.values.money import ZERO
from tests.fakes.due_orders import is_abandoned
from tests.fakes.recording import Recording
from tests.fakes.tables import Row, Tables

_LANES = list(Priority)


class WouldWait(AssertionError):
    """Another transaction holds the lock."""


class MemoryUnit:
    """An open transaction.  Its writes are undone when it is left without :meth:`commit`."""

    def __init__(self, tables: Tables, lease_seconds: float) -> None:
        self._tables = tables
        self._recording = Recording(tables, lease_seconds)
        self._books: list[Book] = []

    def claim(self, order_ids: Sequence[int], limit: int, *, waits: bool = False) -> Claim:
        rows = [row for row in self._rows(order_ids) if waits or self._is_free(row.order.user_id)]
        self._lock([row.order.id for row in rows])
        rung = {(row.order.user_id, row.order.priority) for row in rows}
        waiting = [
            (_LANES.index(row.order.priority), place, row)
            for pair in rung
            for place, row in enumerate(self._waiting(*pair)[: share_of(pair[1], limit)])
        ]
        claimed = sorted(waiting, key=lambda found: (found[0], found[1], found[2].order.id))[:limit]
        claimed.sort(key=lambda found: (found[0], found[2].order.id))
        return self._read(order_ids, [row for _, _, row in claimed])

    def busy(self, order_ids: Collection[int]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for row in self._rows(order_ids):
            waits = row.order.status is OrderStatus.RECEIVED and not row.held
            if waits and not self._is_free(row.order.user_id):
                found.setdefault(row.order.user_id, []).append(row.order.id)
        return found

    def orders(self, order_ids: Sequence[int], statuses: Collection[OrderStatus]) -> Claim:
        self._lock(order_ids)
        rows = [r for r in self._rows(order_ids) if r.order.status in statuses and not r.slices]
        return self._read(order_ids, rows)

    def with_slices(self, order_id: int) -> OrderWithSlices:
        self._lock([order_id])
        members = [
            row
            for number, row in sorted(self._tables.rows.items())
            if order_id in (number, row.order.parent_id)
        ]
        orders, book = self._read([order_id], members)
        return OrderWithSlices(orders[0] if orders else None, tuple(orders[1:]), book)

    def holdings(self, user_id: int, contracts: Collection[tuple[str, Product]]) -> Book:
        if user_id not in self._tables.accounts:
            return Book({}, {}, {})
        book = self._book([user_id], [(user_id, *contract) for contract in contracts])
        book.accounts[user_id] = replace(self._tables.accounts[user_id])
        return book

    def abandoned(self, order_ids: Sequence[int]) -> Claim:
        self._lock(order_ids)
        now = self._tables.clock()
        rows = [row for row in self._rows(order_ids) if is_abandoned(row, now)]
        return self._read(order_ids, rows)

    def expired(self, user_id: int, expiry: Expiry) -> Book:
        if self._tables.account_locks.setdefault(user_id, self) is not self:
            raise WouldWait(f"another transaction holds the account, was {user_id}")
        exposures = self._tables.exposures
        busy = {
            symbol
            for (owner, symbol), e in exposures.items()
            if owner == user_id and (e.open_buy_quantity or e.open_sell_quantity)
        }
        return self._book(
            [user_id],
            [
                place
                for place in self._tables.positions
                if place[0] == user_id and expiry.holds(place[1]) and place[1] not in busy
            ],
        )

    def duplicates(self, windows: Mapping[int, Decimal]) -> set[int]:
        return {number for number, seconds in windows.items() if self._repeats(number, seconds)}

    def unknown(self, order_ids: Sequence[int]) -> set[int]:
        return set(order_ids) - self._tables.rows.keys()

    def release(self, order_ids: Sequence[int]) -> None:
        for row in self._rows(order_ids):
            if row.held and row.order.status is OrderStatus.RECEIVED and not row.slices:
                self._recording.keep(row)
                row.held, row.ring_at = False, self._tables.clock() + timedelta(seconds=2)

    def await_opening(self, order_ids: Sequence[int]) -> None:
        for row in self._rows(order_ids):
            if row.order.status is OrderStatus.RECEIVED:
                self._recording.keep(row)
                row.held = row.awaits_opening = True
                row.reason = MoveReason.AWAITS_OPENING

    def ask_again(self, pauses: Mapping[int, float]) -> None:
        now = self._tables.clock()
        for row in self._rows(pauses):
            if row.order.status in ASKED:
                assert row.lease_until is not None, "an order on its way has a lease"
                self._recording.keep(row)
                silent = min((now - row.lease_until) / 4, timedelta(seconds=15))
                row.ring_at = now + max(timedelta(seconds=pauses[row.order.id]), silent)
                row.lease_until, row.rings = min(row.lease_until, now), 0

    def record(self, book: Book, actor: str) -> list[ParentOrder]:
        self._books.append(book)
        return self._recording.write(book, actor)

    def commit(self) -> None:
        self._recording.settle()
        self._tables.books += self._books
        self._books = []
        self._unlock()

    def leave(self) -> None:
        """Undo what was not committed."""
        self._recording.undo()
        self._unlock()

    def _lock(self, order_ids: Sequence[int]) -> None:
        for user_id in sorted({row.order.user_id for row in self._rows(order_ids)}):
            holder = self._tables.account_locks.setdefault(user_id, self)
            if holder is not self:
                raise WouldWait(f"another transaction holds the account, was {user_id}")

    def _is_free(self, user_id: int) -> bool:
        return self._tables.account_locks.get(user_id, self) is self

    def _unlock(self) -> None:
        locks = self._tables.account_locks
        for user_id in [user_id for user_id, holder in locks.items() if holder is self]:
            del locks[user_id]

    def _rows(self, order_ids: Iterable[int]) -> list[Row]:
        rows = self._tables.rows
        return [rows[number] for number in sorted(set(order_ids)) if number in rows]

    def _waiting(self, user_id: int, priority: Priority) -> list[Row]:
        return [
            row
            for _, row in sorted(self._tables.rows.items())
            if row.order.status is OrderStatus.RECEIVED
            and not row.held
            and (row.order.user_id, row.order.priority) == (user_id, priority)
        ]

    def _read(self, order_ids: Sequence[int], rows: Sequence[Row]) -> Claim:
        orders = [self._copied(row) for row in rows]
        owners = [row.order.user_id for row in self._rows(order_ids)]
        return Claim(orders, self._book(owners, [(o.user_id, o.symbol, o.product) for o in orders]))

    def _copied(self, row: Row) -> Order:
        parent = None if row.order.parent_id is None else self._tables.rows[row.order.parent_id]
        return replace(
            row.order,
            age_seconds=(self._tables.clock() - row.accepted_at).total_seconds(),
            parent_quantity=None if parent is None else parent.order.quantity,
            others_rest=any(map(partial(_rests_beside, row.order), self._tables.rows.values())),
        )

    def _book(self, owners: Collection[int], places: Collection[tuple[int, str, Product]]) -> Book:
        """Return the book of these places; what the owners hold besides comes with the first."""
        tables, margins = self._tables, MarginPools()
        book = Book({}, {}, {}, margins=margins)
        if not owners:
            return book
        book.rules = tables.rules
        for user_id, symbol, product in places:
            book.accounts.setdefault(user_id, replace(tables.accounts[user_id]))
            margins.symbols.add(symbol)
            position = tables.positions.get((user_id, symbol, product))
            if position is not None:
                book.positions[user_id, symbol, product] = replace(position)
        for key, e in tables.exposures.items():
            if e.user_id in owners and (
                e.net_quantity or e.open_buy_quantity or e.open_sell_quantity
            ):
                book.exposures[key] = replace(e)
                margins.symbols.add(e.symbol)
            book.open_pnl.costs[key] = sum(
                (p.cost for k, p in tables.positions.items() if k[:2] == key), ZERO
            )
        margins.stored = {k: v for k, v in tables.margins.items() if k[0] in owners and v > 0}
        return book

    def _repeats(self, order_id: int, seconds: Decimal) -> bool:
        row = self._tables.rows[order_id]
        given = row if row.order.parent_id is None else self._tables.rows[row.order.parent_id]
        since = given.accepted_at - timedelta(seconds=float(seconds))
        return any(
            _content(earlier.order) == _content(given.order)
            and earlier.order.parent_id is None
            and number < given.order.id
            and earlier.accepted_at >= since
            and (earlier.basket_id is None or earlier.basket_id != given.basket_id)
            for number, earlier in self._tables.rows.items()
        )


class MemoryUnits:
    """Makes transactions over tables in memory."""

    def __init__(
        self, tables: Tables, *, lease_seconds: float = 30.0, at: Passing = unhindered
    ) -> None:
        self.tables = tables
        self.at = at
        self._lease_seconds = lease_seconds
        #: How many transactions were opened.
        self.begun = 0
        #: Called where a process would wait for an account: whether it waited, and not another one.
        self.on_wait: Callable[[int], bool] = would_wait

    @contextmanager
    def begin(self) -> Iterator[MemoryUnit]:
        self.begun += 1
        unit = MemoryUnit(self.tables, self._lease_seconds)
        try:
            yield unit
        finally:
            unit.leave()

    def wait_for(self, user_id: int) -> bool:
        return self.on_wait(user_id)


def _rests_beside(order: Order, row: Row) -> bool:
    return (
        (row.order.symbol, row.order.side) == (order.symbol, order.side)
        and row.order.status in RESTING - {OrderStatus.TRIGGER_PENDING}
        and row.order.limit_price is not None
        and not row.slices
    )


def would_wait(user_id: int) -> bool:
    raise WouldWait(f"another transaction holds the account, was {user_id}")


def _content(order: Order) -> tuple[object, ...]:
    """Return what makes an order the same as another one; the limit of one at market is none."""
    limit = None if order.order_type is OrderType.MARKET else order.limit_price
    return (
        order.user_id,
        order.symbol,
        order.side,
        order.quantity,
        order.order_type,
        limit,
        order.trigger_price,
    )
