"""Positions and open orders of an account."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import Parameters, read
from angel_x.domain.orders.order import EXIT_PREFIX, OPEN, OrderStatus, Product, Side
from angel_x.domain.workflows.square_off import Holding, LegRow
from angel_x.domain.workflows.workflow import WorkflowKind, WorkflowStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from angel_x.domain.book.control import OrderSelection

# Every parameter has a type of its own, because most of them are mostly null.
_SELECTED = """
    AND (%(symbol)s::text IS NULL OR t.symbol = %(symbol)s)
    AND (%(product)s::text IS NULL OR t.product = %(product)s)
    AND (%(underlying)s::text IS NULL OR c.underlying = %(underlying)s)
"""
_ORDERS = f"""
SELECT t.id FROM orders t JOIN contracts c USING (symbol)
WHERE t.user_id = %(user_id)s AND t.status IN {literals(OPEN)} AND t.slices = 0
    AND starts_with(t.client_order_id, '{EXIT_PREFIX}') = %(exits)s {_SELECTED}
ORDER BY t.id
"""
_POSITIONS = f"""
SELECT t.symbol, t.product, t.quantity, c.expires_at <= %(now)s AS has_expired FROM positions t JOIN contracts c USING (symbol)
WHERE t.user_id = %(user_id)s AND t.status = 'OPEN' {_SELECTED}
ORDER BY t.quantity, t.symbol, t.product
"""
_NAMED = """
SELECT id FROM orders WHERE user_id = %(user_id)s AND client_order_id = ANY(%(names)s::text[]) ORDER BY id
"""
_LEGS = """
SELECT symbol, product, side, count(*) AS orders, sum(filled_quantity) AS filled_quantity,
    sum(traded_value) AS traded_value, (array_agg(status ORDER BY id DESC))[1] AS status,
    (array_agg(reason ORDER BY id DESC))[1] AS reason
FROM orders WHERE id = ANY(%(order_ids)s::bigint[])
GROUP BY symbol, product, side ORDER BY min(id)
"""
_ACCOUNTS = f"""
SELECT user_id FROM positions WHERE status = 'OPEN'
UNION
SELECT user_id FROM orders WHERE status IN {literals(OPEN)}
ORDER BY 1
"""
# An ended square-off is not restarted: later positions get one of their own.
_INTRADAY = f"""
SELECT a.user_id, (
    SELECT count(*) FROM workflows w
    WHERE w.user_id = a.user_id AND w.kind = '{WorkflowKind.SQUARE_OFF}'
        AND w.status <> '{WorkflowStatus.RUNNING}' AND starts_with(w.key, %(key)s)) AS ended
FROM (
    SELECT p.user_id FROM positions p JOIN contracts c USING (symbol)
    WHERE p.status = 'OPEN' AND p.product = '{Product.INTRADAY}' AND c.expires_at > %(now)s
    UNION
    SELECT user_id FROM orders WHERE status IN {literals(OPEN)} AND product = '{Product.INTRADAY}'
) AS a ORDER BY 1
"""


_ON_STOCKS = """
SELECT DISTINCT p.user_id, p.symbol FROM positions p JOIN contracts c USING (symbol)
WHERE p.status = 'OPEN' AND c.expires_at > %(now)s AND c.underlying <> ALL(%(indices)s::text[])
ORDER BY 1, 2
"""


class _PositionRow(NamedTuple):
    symbol: str
    product: str
    quantity: int
    has_expired: bool


class _LegRow(NamedTuple):
    """The orders of one contract, product and side; status and reason are of the newest."""

    symbol: str
    product: str
    side: str
    orders: int
    filled_quantity: int
    traded_value: Decimal
    status: str
    reason: str | None


class _IntradayRow(NamedTuple):
    user_id: int
    ended: int


class _HeldRow(NamedTuple):
    user_id: int
    symbol: str


class PostgresHoldings:
    """Reads of positions and open orders."""

    def __init__(self, engine: Engine, market_clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._market_clock = market_clock

    def open_orders(self, user_id: int, selection: OrderSelection) -> list[int]:
        """Return the orders that are open, oldest first; of a sliced one its slices."""
        return self._ids(_ORDERS, _parameters(user_id, selection) | {"exits": False})

    def open_exits(self, user_id: int, selection: OrderSelection) -> list[int]:
        return self._ids(_ORDERS, _parameters(user_id, selection) | {"exits": True})

    def positions(self, user_id: int, selection: OrderSelection) -> list[Holding]:
        parameters = _parameters(user_id, selection) | {"now": self._market_clock()}
        rows = read(self._engine, _POSITIONS, _PositionRow, parameters)
        return [Holding(r.symbol, Product(r.product), r.quantity, r.has_expired) for r in rows]

    def named(self, user_id: int, names: Sequence[str]) -> list[int]:
        return self._ids(_NAMED, {"user_id": user_id, "names": array(names)})

    def legs(self, order_ids: Sequence[int]) -> list[LegRow]:
        parameters = {"order_ids": array(order_ids)}
        return [_leg(row) for row in read(self._engine, _LEGS, _LegRow, parameters)]

    def accounts(self) -> list[int]:
        """Return the accounts with positions or open orders."""
        return self._ids(_ACCOUNTS, {})

    def intraday_accounts(self, key: str) -> list[tuple[int, int]]:
        """Return accounts with intraday orders or positions, and the number of their ended square-offs.

        Square-offs count if their key begins with the given one.  A position that has expired is left
        to its settlement.
        """
        parameters = {"key": key, "now": self._market_clock()}
        rows = read(self._engine, _INTRADAY, _IntradayRow, parameters)
        return [(row.user_id, row.ended) for row in rows]

    def on_stocks(self, now: datetime, indices: Collection[str]) -> list[tuple[int, str]]:
        """Return account and contract of every open position on no index that has not expired."""
        wanted = {"now": now, "indices": array(indices)}
        rows = read(self._engine, _ON_STOCKS, _HeldRow, wanted)
        return [(row.user_id, row.symbol) for row in rows]

    def _ids(self, statement: str, parameters: Parameters) -> list[int]:
        with self._engine.connect() as connection:
            return list(connection.exec_driver_sql(statement, parameters).scalars())


def _parameters(user_id: int, selection: OrderSelection) -> dict[str, object]:
    return {
        "user_id": user_id,
        "symbol": selection.symbol,
        "underlying": selection.underlying,
        "product": selection.product and selection.product.value,
    }


def _leg(row: _LegRow) -> LegRow:
    return LegRow(
        row.symbol, Product(row.product), Side(row.side), row.orders, row.filled_quantity,
        row.traded_value, OrderStatus(row.status), row.reason,
    )  # fmt: skip
