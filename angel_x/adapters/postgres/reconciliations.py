"""Our side of a comparison with the broker, and the stored results."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import RowT, named, read
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.reconciliation import (
    BookState,
    Difference,
    ForeignOrder,
    Held,
    Reconciliation,
    StatedExecution,
    StatedOrder,
)
from angel_x.domain.orders.order import ASKED, PLACED, OrderStatus, Side, tag_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

#: Results that are kept: a week of one each minute.
_KEPT = 10_080
# The accounts that trade at the broker; all where none is named.
_LIVE = """
    IN (SELECT id FROM users WHERE %(accounts)s::text[] = '{}' OR name = ANY(%(accounts)s::text[]))
"""
# Those that the broker names are of any account.
_ORDERS = f"""
SELECT id, symbol, side, quantity, filled_quantity, limit_price, trigger_price, status FROM orders
WHERE slices = 0 AND (
    status IN {literals(PLACED)} AND user_id {_LIVE} OR id = ANY(%(ids)s::bigint[]))
"""
# The fills of the broker's orders, and those of the day.
_FILLS = f"""
SELECT execution_id, order_id, quantity, price FROM fills WHERE order_id = ANY(%(ids)s::bigint[])
UNION
SELECT f.execution_id, f.order_id, f.quantity, f.price FROM users u JOIN fills f ON f.user_id = u.id
WHERE f.at >= %(since)s AND u.id {_LIVE}
    AND coalesce(f.trade_date, (f.at AT TIME ZONE 'Asia/Kolkata')::date) = %(day)s
"""
# The broker drops expired contracts, here they wait for their settlement.
_POSITIONS = f"""
SELECT p.symbol, p.product, sum(p.quantity)::bigint AS quantity
FROM positions p JOIN contracts c USING (symbol)
WHERE p.status = 'OPEN' AND c.expires_at > %(now)s AND p.user_id {_LIVE} GROUP BY p.symbol, p.product
"""
_EXPIRED = """
SELECT symbol FROM contracts WHERE symbol = ANY(%(symbols)s::text[]) AND expires_at <= %(now)s
"""
# The broker charges at the end of the day, the book at each fill.
_CASH = f"""
SELECT (SELECT coalesce(sum(cash), 0) FROM users WHERE id {_LIVE}) + (
    SELECT coalesce(sum(amount), 0) FROM ledger_entries
    WHERE account = '{LedgerAccount.CHARGES}' AND at >= %(since)s AND user_id {_LIVE}) AS cash
"""
_MARGINS = f"""
SELECT underlying, sum(margin) AS margin FROM margins WHERE margin > 0 AND user_id {_LIVE}
GROUP BY underlying
"""
_ADD = """
INSERT INTO reconciliations (at, orders, executions, positions, pending, unequal, foreign_orders, differences)
VALUES (%(at)s, %(orders)s, %(executions)s, %(positions)s, %(pending)s, %(unequal)s,
    %(foreign)s::jsonb, %(differences)s::jsonb)
RETURNING id
"""
_FORGET = "DELETE FROM reconciliations WHERE id <= %(last)s"
_NEWEST = """
SELECT at, orders, executions, positions, pending, foreign_orders::text, differences::text
FROM reconciliations ORDER BY id DESC LIMIT 1
"""
#: Differences and foreign orders that are stored with a result.
_MOST = 200


class _OrderRow(NamedTuple):
    id: int
    symbol: str
    side: str
    quantity: int
    filled_quantity: int
    limit_price: Decimal | None
    trigger_price: Decimal | None
    status: str


class _FillRow(NamedTuple):
    execution_id: str
    order_id: int
    quantity: int
    price: Decimal


class _PositionRow(NamedTuple):
    symbol: str
    product: str
    quantity: int


class _CashRow(NamedTuple):
    cash: Decimal


class _MarginRow(NamedTuple):
    underlying: str
    margin: Decimal


class _ResultRow(NamedTuple):
    at: datetime
    orders: int
    executions: int
    positions: int
    pending: int
    foreign_orders: str
    differences: str


_foreign = msgspec.json.Decoder(tuple[ForeignOrder, ...])
_differences = msgspec.json.Decoder(tuple[Difference, ...])


class PostgresReconciliations:
    """The database's side of the named accounts, of all without a name, and the stored results."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], accounts: Collection[str] = ()
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._accounts = array(accounts)

    def state(self, order_ids: Collection[int]) -> BookState:
        """Return our side, all from one snapshot: placed orders, and those that the broker names."""
        now = self._clock()
        day = now.astimezone(IST).date()
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.connect() as connection:
            reading = _Reading(connection, self._accounts)
            orders = reading.orders(order_ids)
            return BookState(
                orders={tag_of(row.id): _order(row) for row in orders},
                executions=reading.executions([row.id for row in orders], day),
                positions=reading.positions(now),
                cash=reading.cash(day),
                pending=frozenset(tag_of(row.id) for row in orders if row.status in ASKED),
            )

    def expired(self, symbols: Collection[str]) -> frozenset[str]:
        """Return those contracts that have expired."""
        parameters = {"symbols": array(symbols), "now": self._clock()}
        with self._engine.connect() as connection:
            return frozenset(connection.exec_driver_sql(_EXPIRED, parameters).scalars())

    def margins(self) -> dict[str, Decimal]:
        """Return the margin of positions and offers by underlying, over all accounts, in rupees."""
        return {
            row.underlying: row.margin
            for row in read(self._engine, _MARGINS, _MarginRow, {"accounts": self._accounts})
        }

    def put(self, result: Reconciliation) -> None:
        """Store a result, and forget those of more than a week."""
        parameters = {
            "at": result.at,
            "orders": result.orders,
            "executions": result.executions,
            "positions": result.positions,
            "pending": result.pending,
            "unequal": len(result.differences),
            "foreign": _json(result.foreign[:_MOST]),
            "differences": _json(result.differences[:_MOST]),
        }
        with self._engine.begin() as connection:
            number = connection.exec_driver_sql(_ADD, parameters).scalar_one()
            connection.exec_driver_sql(_FORGET, {"last": number - _KEPT})

    def newest(self) -> Reconciliation | None:
        """Return the newest result; None before the first."""
        for row in read(self._engine, _NEWEST, _ResultRow):
            return Reconciliation(
                at=row.at,
                orders=row.orders,
                executions=row.executions,
                positions=row.positions,
                pending=row.pending,
                foreign=_foreign.decode(row.foreign_orders),
                differences=_differences.decode(row.differences),
            )
        return None


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads of one snapshot, limited to accounts."""

    connection: Connection
    accounts: str

    def orders(self, ids: Collection[int]) -> list[_OrderRow]:
        return self._read(_ORDERS, _OrderRow, ids=array(ids))

    def executions(self, ids: Collection[int], day: date) -> dict[str, StatedExecution]:
        return {
            row.execution_id: StatedExecution(tag_of(row.order_id), row.quantity, row.price)
            for row in self._read(_FILLS, _FillRow, ids=array(ids), day=day, since=_midnight(day))
        }

    def positions(self, now: datetime) -> dict[Held, int]:
        rows = self._read(_POSITIONS, _PositionRow, now=now)
        return {(row.symbol, row.product): row.quantity for row in rows}

    def cash(self, day: date) -> Decimal:
        ((cash,),) = self._read(_CASH, _CashRow, since=_midnight(day))
        return Decimal(cash)

    def _read(self, statement: str, row: type[RowT], **parameters: object) -> list[RowT]:
        given = {"accounts": self.accounts, **parameters}
        return named(self.connection.exec_driver_sql(statement, given), row)


def _midnight(day: date) -> datetime:
    """Return the beginning of a day in India: none of its fills is stored before."""
    return datetime.combine(day, time(), IST)


def _order(row: _OrderRow) -> StatedOrder:
    return StatedOrder(
        contract=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        filled=row.filled_quantity,
        limit_price=row.limit_price,
        trigger_price=row.trigger_price,
        is_open=not OrderStatus(row.status).is_closed,
    )


def _json(records: tuple[object, ...]) -> str:
    return msgspec.json.encode(records).decode()
