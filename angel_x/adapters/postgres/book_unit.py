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

# One row an order, with its account and with what that holds and offers in the contract.
_COLUMNS = """
    o.id, o.user_id, o.symbol, o.side, o.quantity, o.filled_quantity, o.order_type, o.limit_price,
    o.validity, o.priority, o.status, o.valid_until, o.client_order_id, o.attempt, o.reserved,
    o.average_price, EXTRACT(EPOCH FROM clock_timestamp() - o.accepted_at)::float8,
    u.cash, u.collateral, u.margin_used, u.realised_pnl,
    e.net_quantity, e.open_sell_quantity, e.margin,
    p.id, p.quantity, p.cost, p.realised_pnl, p.entry_time
"""
_HOLDINGS = """
JOIN users u ON u.id = o.user_id
LEFT JOIN exposures e ON e.user_id = o.user_id AND e.symbol = o.symbol
LEFT JOIN positions p ON p.user_id = o.user_id AND p.symbol = o.symbol AND p.status = 'OPEN'
"""
#: Columns of the order, its account, its exposure and its position.
_ORDER, _ACCOUNT = slice(0, 17), slice(17, 21)
_EXPOSURE, _POSITION = slice(21, 24), slice(24, 29)

# The lock and the read go out as one message and run one after the other, so the read sees all that
# the holder of the lock before has done.  Not FOR UPDATE: that would hold up the acceptance of new
# orders, whose foreign key only needs the account to stay where it is.
_LOCK = """
SELECT 1 FROM users WHERE id IN (SELECT user_id FROM orders WHERE id = ANY(%(order_ids)s))
ORDER BY id FOR NO KEY UPDATE;
"""
# The index serves each lane of each account in order, so a deep backlog costs no more than a batch.
_CLAIM = f"""{_LOCK}
WITH rung AS (
    SELECT DISTINCT user_id, priority, array_position(%(lanes)s, priority) AS lane
    FROM orders WHERE id = ANY(%(order_ids)s)
), claimed AS (
    SELECT w.id, r.lane FROM rung r CROSS JOIN LATERAL (
        SELECT id FROM orders
        WHERE status = 'received' AND priority = r.priority AND user_id = r.user_id
        ORDER BY id LIMIT %(limit)s
    ) AS w ORDER BY r.lane, w.id LIMIT %(limit)s
)
SELECT {_COLUMNS} FROM claimed c JOIN orders o ON o.id = c.id {_HOLDINGS} ORDER BY c.lane, o.id
"""
_BY_ID = f"""{_LOCK}
SELECT {_COLUMNS} FROM orders o {_HOLDINGS}
WHERE o.id = ANY(%(order_ids)s) AND o.status = ANY(%(statuses)s) ORDER BY o.id
"""
_EXISTING = "SELECT id FROM orders WHERE id = ANY(%(order_ids)s)"
_LANES = [priority.value for priority in Priority]


class BookUnit:
    """The open transaction.  Leaving it without :meth:`commit` keeps nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, order_ids: Sequence[int], limit: int) -> tuple[list[Order], Book]:
        """Lock the accounts that own those orders and return the oldest that wait there.

        What comes back waits in the lanes of those orders, lane by lane, whatever has become of the
        orders themselves.
        """
        return self._read(_CLAIM, order_ids=list(order_ids), lanes=_LANES, limit=limit)

    def orders(
        self, order_ids: Sequence[int], statuses: Collection[OrderStatus]
    ) -> tuple[list[Order], Book]:
        """Lock the accounts that own those orders; return those in one of the statuses, by age."""
        wanted = sorted(status.value for status in statuses)
        return self._read(_BY_ID, order_ids=list(order_ids), statuses=wanted)

    def unknown(self, order_ids: Sequence[int]) -> set[int]:
        """Return those ids that no order has."""
        parameters = {"order_ids": list(order_ids)}
        known = self._connection.exec_driver_sql(_EXISTING, parameters).scalars()
        return set(order_ids) - set(known)

    def record(self, book: Book, actor: str) -> None:
        """Write everything that the orders of the book did."""
        write_book(self._connection, book, actor)

    def commit(self) -> None:
        self._connection.commit()

    def _read(self, statement: str, **parameters: object) -> tuple[list[Order], Book]:
        rows = self._connection.exec_driver_sql(statement, parameters).fetchall()
        return _orders_and_book(rows)


class BookUnits:
    """Makes transactions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def begin(self) -> Iterator[BookUnit]:
        """Open a transaction that is rolled back unless it is committed."""
        with self._engine.connect() as connection:
            yield BookUnit(connection)


def _orders_and_book(rows: Sequence[Sequence[Any]]) -> tuple[list[Order], Book]:
    orders: list[Order] = []
    accounts: dict[int, Account] = {}
    exposures: dict[tuple[int, str], Exposure] = {}
    positions: dict[tuple[int, str], Position] = {}
    for row in rows:
        order = _order(row[_ORDER])
        orders.append(order)
        accounts.setdefault(order.user_id, Account(order.user_id, *row[_ACCOUNT]))
        key = order.user_id, order.symbol
        if key in exposures or row[_EXPOSURE][0] is None:
            continue
        exposures[key] = Exposure(*key, *row[_EXPOSURE])
        position_id, quantity, cost, realised, entered = row[_POSITION]
        if position_id is not None:
            positions[key] = Position(*key, quantity, cost, realised, position_id, entered)
    return orders, Book(accounts, exposures, positions)


def _order(row: Sequence[Any]) -> Order:
    (order_id, user_id, symbol, side, quantity, filled, order_type, limit, validity, priority,
     status, until, client_id, attempt, reserved, average, age) = row  # fmt: skip
    return Order(
        order_id, user_id, symbol, Side(side), quantity, filled, OrderType(order_type), limit,
        Validity(validity), Priority(priority), OrderStatus(status), until, client_id, attempt,
        reserved, average, age,
    )  # fmt: skip
