"""One transaction over accounts, orders and everything that their moves change.

Whoever changes the status of an order holds the lock of its account first, so that execution,
cancellation and expiry are decided one after the other for each account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from angel_x.adapters.postgres.book_writing import write_book
from angel_x.domain.account import Account, Exposure
from angel_x.domain.book import Book
from angel_x.domain.order import Order, OrderStatus, OrderType, Priority, Side, Validity
from angel_x.domain.position import Position

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_ORDER_COLUMNS = """
    o.id, o.user_id, o.symbol, o.side, o.quantity, o.filled_quantity, o.order_type, o.limit_price,
    o.validity, o.priority, o.status, o.valid_until, o.client_order_id, o.attempt, o.reserved,
    o.average_price, EXTRACT(EPOCH FROM clock_timestamp() - o.accepted_at)::float8
"""
# Not FOR UPDATE: that would hold up the acceptance of new orders, whose foreign key only needs
# the account to stay where it is.  An account is locked only if something of it waits in the lane that the doorbell speaks for.
_LOCK_WAITING = """
SELECT u.id, u.cash, u.collateral, u.margin_used, u.realised_pnl, w.lanes
FROM users u JOIN (
    SELECT o.user_id, array_agg(DISTINCT o.priority) AS lanes FROM orders o
    WHERE o.id = ANY(%(order_ids)s) AND EXISTS (
        SELECT 1 FROM orders r
        WHERE r.status = 'received' AND r.priority = o.priority AND r.user_id = o.user_id)
    GROUP BY o.user_id
) AS w ON w.user_id = u.id
ORDER BY u.id FOR NO KEY UPDATE OF u
"""
_LOCK_OWNERS = """
SELECT id, cash, collateral, margin_used, realised_pnl FROM users
WHERE id IN (SELECT user_id FROM orders WHERE id = ANY(%(order_ids)s)) ORDER BY id FOR NO KEY UPDATE
"""
_EXISTING = "SELECT id FROM orders WHERE id = ANY(%(order_ids)s)"
_CLAIM = f"""
SELECT {_ORDER_COLUMNS} FROM orders o
WHERE o.status = 'received' AND o.priority = ANY(%(lanes)s) AND o.user_id = ANY(%(user_ids)s)
ORDER BY array_position(%(lanes)s, o.priority), o.id LIMIT %(limit)s
"""
_BY_ID = f"""
SELECT {_ORDER_COLUMNS} FROM orders o
WHERE o.id = ANY(%(order_ids)s) AND o.status = ANY(%(statuses)s) ORDER BY o.id
"""
_HOLDINGS = """
SELECT e.user_id, e.symbol, e.net_quantity, e.open_sell_quantity, e.margin,
    p.id, p.quantity, p.cost, p.realised_pnl, p.entry_time
FROM unnest(%(user_ids)s::bigint[], %(symbols)s::text[]) AS wanted (user_id, symbol)
JOIN exposures e USING (user_id, symbol)
LEFT JOIN positions p ON p.user_id = e.user_id AND p.symbol = e.symbol AND p.status = 'OPEN'
"""


class BookUnit:
    """The open transaction.  Leaving it without :meth:`commit` keeps nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_waiting(self, order_ids: Sequence[int]) -> tuple[list[Account], list[Priority]]:
        """Lock the accounts that a doorbell speaks for, and say in which lanes they have work."""
        rows = list(self._rows(_LOCK_WAITING, order_ids=list(order_ids)))
        lanes = {Priority(lane) for row in rows for lane in row[-1]}
        return [Account(*row[:-1]) for row in rows], [p for p in Priority if p in lanes]

    def lock_owners(self, order_ids: Sequence[int]) -> list[Account]:
        """Lock, in the order of their ids, the accounts that own those orders."""
        return [Account(*row) for row in self._rows(_LOCK_OWNERS, order_ids=list(order_ids))]

    def unknown(self, order_ids: Sequence[int]) -> set[int]:
        """Return those ids that no order has."""
        return set(order_ids) - {i for (i,) in self._rows(_EXISTING, order_ids=list(order_ids))}

    def claim(self, user_ids: Sequence[int], lanes: Sequence[Priority], limit: int) -> list[Order]:
        """Return the oldest received orders of the locked accounts, lane by lane."""
        wanted = [lane.value for lane in lanes]
        rows = self._rows(_CLAIM, user_ids=list(user_ids), lanes=wanted, limit=limit)
        return [_order(row) for row in rows]

    def orders(self, order_ids: Sequence[int], statuses: Collection[OrderStatus]) -> list[Order]:
        """Return those orders that have one of the statuses, oldest first."""
        rows = self._rows(_BY_ID, order_ids=list(order_ids), statuses=_values(statuses))
        return [_order(row) for row in rows]

    def book(self, accounts: Sequence[Account], orders: Sequence[Order]) -> Book:
        """Return the book of the locked accounts in the contracts of the orders."""
        keys = sorted({(order.user_id, order.symbol) for order in orders})
        user_ids, symbols = [u for u, _ in keys], [s for _, s in keys]
        exposures, positions = [], []
        for row in self._rows(_HOLDINGS, user_ids=user_ids, symbols=symbols):
            user_id, symbol, net, offered, margin, position_id, quantity, cost, pnl, entered = row
            exposures.append(Exposure(user_id, symbol, net, offered, margin))
            if position_id is not None:
                positions.append(
                    Position(user_id, symbol, quantity, cost, pnl, position_id, entered)
                )
        return Book.of(accounts, exposures, positions)

    def record(self, book: Book, actor: str) -> None:
        """Write everything that the orders of the book did."""
        write_book(self._connection, book, actor)

    def commit(self) -> None:
        self._connection.commit()

    def _rows(self, statement: str, **parameters: object) -> Iterator[Any]:
        return iter(self._connection.exec_driver_sql(statement, parameters).fetchall())


class BookUnits:
    """Makes transactions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def begin(self) -> Iterator[BookUnit]:
        """Open a transaction that is rolled back unless it is committed."""
        with self._engine.connect() as connection:
            yield BookUnit(connection)


def _values(statuses: Collection[OrderStatus]) -> list[str]:
    return sorted(status.value for status in statuses)


def _order(row: Sequence[Any]) -> Order:
    (order_id, user_id, symbol, side, quantity, filled, order_type, limit, validity, priority,
     status, until, client_id, attempt, reserved, average, age) = row  # fmt: skip
    return Order(
        order_id, user_id, symbol, Side(side), quantity, filled, OrderType(order_type), limit,
        Validity(validity), Priority(priority), OrderStatus(status), until, client_id, attempt,
        reserved, average, age,
    )  # fmt: skip
