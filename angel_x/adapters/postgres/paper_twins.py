"""The paper twins of live orders in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import Element, array
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import named
from angel_x.domain.orders.order import (
    RESTING,
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Side,
    Validity,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_KEY = 0x416E67656C58 + 2
# Of a transaction, because a pooler gives each transaction another session.
_LOCK = f"SELECT pg_advisory_xact_lock({_KEY})"
_KNOWN = "SELECT order_id FROM shadow_orders WHERE order_id = ANY(%(ids)s::bigint[])"
_OPEN = f"""
SELECT order_id, user_id, symbol, side, quantity, filled_quantity, order_type, limit_price, trigger_price,
    validity, status, reason, valid_until, traded_value, time_priority
FROM shadow_orders WHERE status IN {literals(RESTING)}
    AND (%(symbols)s::text[] IS NULL OR symbol = ANY(%(symbols)s::text[]))
ORDER BY order_id
"""
_CANCELED = f"""
SELECT s.order_id FROM shadow_orders s JOIN orders o ON o.id = s.order_id
WHERE s.status IN {literals(RESTING)} AND o.status = '{OrderStatus.CANCELED}'
"""
#: Type and value of each column that a twin fills.
_COLUMNS: dict[str, tuple[str, Callable[[Order], Element]]] = {
    "order_id": ("bigint", lambda twin: twin.id),
    "user_id": ("bigint", lambda twin: twin.user_id),
    "time_priority": ("bigint", lambda twin: twin.time_priority),
    "valid_until": ("timestamptz", lambda twin: twin.valid_until),
    "quantity": ("integer", lambda twin: twin.quantity),
    "filled_quantity": ("integer", lambda twin: twin.filled_quantity),
    "symbol": ("text", lambda twin: twin.symbol),
    "side": ("text", lambda twin: twin.side),
    "order_type": ("text", lambda twin: twin.order_type),
    "validity": ("text", lambda twin: twin.validity),
    "status": ("text", lambda twin: twin.status),
    "reason": ("text", lambda twin: twin.reason),
    "limit_price": ("numeric", lambda twin: twin.limit_price),
    "trigger_price": ("numeric", lambda twin: twin.trigger_price),
    "traded_value": ("numeric", lambda twin: twin.traded_value),
}
_CHANGING = ("quantity", "status", "reason", "limit_price", "trigger_price", "traded_value")
_SAVE = f"""
INSERT INTO shadow_orders AS s ({", ".join(_COLUMNS)}, arrived_at, moved_at, filled_at)
SELECT {", ".join(_COLUMNS)}, %(at)s, %(at)s, CASE WHEN filled_quantity > 0 THEN %(at)s::timestamptz END
FROM unnest({", ".join(f"%({name})s::{kind}[]" for name, (kind, _) in _COLUMNS.items())})
    AS t ({", ".join(_COLUMNS)})
ON CONFLICT (order_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _CHANGING)},
    filled_quantity = excluded.filled_quantity, moved_at = excluded.moved_at,
    filled_at = CASE WHEN excluded.filled_quantity > s.filled_quantity
        THEN excluded.moved_at ELSE s.filled_at END
"""


class _TwinRow(NamedTuple):
    order_id: int
    user_id: int
    symbol: str
    side: str
    quantity: int
    filled_quantity: int
    order_type: str
    limit_price: Decimal | None
    trigger_price: Decimal | None
    validity: str
    status: str
    reason: str | None
    valid_until: datetime
    traded_value: Decimal
    time_priority: int


class PostgresTwins:
    """The table ``shadow_orders``; its transactions are alone in their database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def begin(self) -> Iterator[PostgresTwinUnit]:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_LOCK)
            yield PostgresTwinUnit(connection)


class PostgresTwinUnit:
    """One transaction with twins."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, order_ids: Sequence[int]) -> set[int]:
        found = self._connection.exec_driver_sql(_KNOWN, {"ids": array(order_ids)})
        return set(found.scalars())

    def open(self, symbols: Collection[str] | None = None) -> list[Order]:
        wanted = None if symbols is None else array(symbols)
        found = self._connection.exec_driver_sql(_OPEN, {"symbols": wanted})
        return [_twin(row) for row in named(found, _TwinRow)]

    def canceled(self) -> set[int]:
        return set(self._connection.exec_driver_sql(_CANCELED).scalars())

    def save(self, twins: Sequence[Order], at: datetime) -> None:
        if twins:
            columns = {name: array(map(of, twins)) for name, (_, of) in _COLUMNS.items()}
            self._connection.exec_driver_sql(_SAVE, {"at": at, **columns})


def _twin(row: _TwinRow) -> Order:
    return Order(
        id=row.order_id,
        user_id=row.user_id,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        filled_quantity=row.filled_quantity,
        order_type=OrderType(row.order_type),
        limit_price=row.limit_price,
        validity=Validity(row.validity),
        priority=Priority.NORMAL,
        status=OrderStatus(row.status),
        valid_until=row.valid_until,
        client_order_id="",
        traded_value=row.traded_value,
        trigger_price=row.trigger_price,
        time_priority=row.time_priority,
        reason=row.reason,
        others_rest=False,
    )
