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

# One row an order, with what its account holds and offers in its contract.
_COLUMNS = """
    o.id, o.user_id, o.symbol, o.side, o.quantity, o.filled_quantity, o.order_type, o.limit_price,
    o.validity, o.priority, o.status, o.valid_until, o.client_order_id, o.attempt, o.reserved,
    o.average_price, EXTRACT(EPOCH FROM clock_timestamp() - o.accepted_at)::float8,
    e.net_quantity, e.open_sell_quantity, e.margin,
    p.id, p.quantity, p.cost, p.realised_pnl, p.entry_time
"""
_HOLDINGS = """
LEFT JOIN exposures e ON e.user_id = o.user_id AND e.symbol = o.symbol
LEFT JOIN positions p ON p.user_id = o.user_id AND p.symbol = o.symbol AND p.status = 'OPEN'
"""
# Not FOR UPDATE: that would hold up the acceptance of new orders, whose foreign key only needs
# the account to stay where it is.  An account is locked only if something of it waits in the lane
# that the doorbell speaks for.
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
SELECT {_COLUMNS} FROM (
    SELECT * FROM orders
    WHERE status = 'received' AND priority = ANY(%(lanes)s) AND user_id = ANY(%(user_ids)s)
    ORDER BY array_position(%(lanes)s, priority), id LIMIT %(limit)s
) AS o {_HOLDINGS}
ORDER BY array_position(%(lanes)s, o.priority), o.id
"""
_BY_ID = f"""
SELECT {_COLUMNS} FROM orders o {_HOLDINGS}
WHERE o.id = ANY(%(order_ids)s) AND o.status = ANY(%(statuses)s) ORDER BY o.id
"""
#: Columns of the order, of its exposure and of its position.
_ORDER, _EXPOSURE, _POSITION = slice(0, 17), slice(17, 20), slice(20, 25)


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

    def claim(
        self, accounts: Sequence[Account], lanes: Sequence[Priority], limit: int
    ) -> tuple[list[Order], Book]:
        """Return the oldest received orders of the locked accounts, lane by lane, and their book."""
        rows = self._rows(
            _CLAIM,
            user_ids=[account.id for account in accounts],
            lanes=[lane.value for lane in lanes],
            limit=limit,
        )
        return _orders_and_book(accounts, list(rows))

    def orders(
        self,
        accounts: Sequence[Account],
        order_ids: Sequence[int],
        statuses: Collection[OrderStatus],
    ) -> tuple[list[Order], Book]:
        """Return those orders that have one of the statuses, oldest first, and their book."""
        wanted = sorted(status.value for status in statuses)
        rows = self._rows(_BY_ID, order_ids=list(order_ids), statuses=wanted)
        return _orders_and_book(accounts, list(rows))

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


def _orders_and_book(
    accounts: Sequence[Account], rows: Sequence[Sequence[Any]]
) -> tuple[list[Order], Book]:
    orders, exposures, positions = [], {}, {}
    for row in rows:
        order = _order(row[_ORDER])
        orders.append(order)
        key = order.user_id, order.symbol
        if key in exposures or row[_EXPOSURE][0] is None:
            continue
        exposures[key] = Exposure(*key, *row[_EXPOSURE])
        position_id, quantity, cost, realised, entered = row[_POSITION]
        if position_id is not None:
            positions[key] = Position(*key, quantity, cost, realised, position_id, entered)
    return orders, Book.of(accounts, exposures.values(), positions.values())


def _order(row: Sequence[Any]) -> Order:
    (order_id, user_id, symbol, side, quantity, filled, order_type, limit, validity, priority,
     status, until, client_id, attempt, reserved, average, age) = row  # fmt: skip
    return Order(
        order_id, user_id, symbol, Side(side), quantity, filled, OrderType(order_type), limit,
        Validity(validity), Priority(priority), OrderStatus(status), until, client_id, attempt,
        reserved, average, age,
    )  # fmt: skip
