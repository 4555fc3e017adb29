"""The read models of one account: one statement each, all of them on an index."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec
from sqlalchemy import text

from angel_x.domain.orders.denial import MoveReason
from angel_x.domain.records.statement import (
    OrderFilter,
    OrderHistory,
    OrderRecord,
    PositionRecord,
    TradeRecord,
)
from angel_x.domain.workflows.workflow import WorkflowKind

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Engine, TextClause

_Record = TypeVar("_Record")

_ORDER_COLUMNS = """
    o.id::text AS order_id, o.client_order_id, o.symbol, o.side, o.quantity, o.filled_quantity,
    o.order_type, o.limit_price AS price, o.trigger_price, o.validity, o.product, o.priority, o.tag,
    o.status, o.reason, o.average_price, o.accepted_at, o.updated_at, o.closed_at,
    o.parent_id::text AS parent_id,
    (SELECT w.key FROM workflows w WHERE w.id = o.basket_id) AS basket_id
"""

# An unused condition must not be in the statement: the planner would have to make
# one plan for both cases.
_CONDITIONS = {
    "status": "o.status = :status",
    "symbol": "o.symbol = :symbol",
    "client_order_id": "o.client_order_id = :client_order_id",
    "since": "o.accepted_at >= :since",
    "parent_id": "o.parent_id = :parent_id",
    "basket_id": "o.basket_id = (SELECT w.id FROM workflows w WHERE w.user_id = :user_id "
    f"AND w.kind = '{WorkflowKind.BASKET}' AND w.key = :basket_id)",
}

# Prices go through JSON as text, so that none of them becomes a float on the way.
_HISTORY = f"""
SELECT {_ORDER_COLUMNS},
    (SELECT coalesce(json_agg(json_build_object('status', e.status, 'actor', e.actor,
            'reason', e.reason, 'attempt', e.attempt, 'at', e.at,
            'detail', CASE e.reason WHEN '{MoveReason.AMENDED}' THEN e.detail END) ORDER BY e.id), '[]')
        FROM order_events e WHERE e.order_id = o.id) AS events,
    (SELECT coalesce(json_agg(json_build_object('execution_id', f.execution_id,
            'quantity', f.quantity, 'price', f.price::text, 'at', f.at) ORDER BY f.id), '[]')
        FROM fills f WHERE f.order_id IN (
            SELECT o.id UNION ALL SELECT s.id FROM orders s WHERE s.parent_id = o.id)) AS fills
FROM orders o WHERE o.user_id = :user_id AND
"""
_ORDER = text(_HISTORY + "o.id = :order_id")
_ORDER_OF_CLIENT = text(_HISTORY + "o.client_order_id = :client_order_id")

_SLICES = text(f"""
SELECT {_ORDER_COLUMNS} FROM orders o
WHERE o.parent_id = :parent_id AND o.user_id = :user_id ORDER BY o.id
""")

_POSITIONS = text("""
SELECT p.id::text AS id, p.symbol, p.product, p.quantity, p.cost, p.realised_pnl, p.entry_time,
    g.delta, g.gamma, g.vega, g.theta, g.as_of AS greeks_as_of
FROM positions p LEFT JOIN greeks_snapshot g ON p.symbol = g.symbol
WHERE p.user_id = :user_id AND p.status = 'OPEN' ORDER BY p.entry_time DESC, p.id DESC
""")

_TRADES = text("""
SELECT id::text AS id, symbol, side, quantity, entry_price, exit_price, realised_pnl, closed_at
FROM trades
WHERE user_id = :user_id AND status = 'CLOSED' AND closed_at >= now() - interval '24 hours'
ORDER BY closed_at DESC, trades.id DESC LIMIT 1000
""")


def _page(conditions: Collection[str]) -> TextClause:
    """Return the statement of a page of orders under conditions."""
    places = ["o.user_id = :user_id", "o.id < :before_id", *(_CONDITIONS[f] for f in conditions)]
    if "parent_id" not in conditions:
        # A slice is shown with its order.
        places.append("o.parent_id IS NULL")
    return text(
        f"SELECT {_ORDER_COLUMNS} FROM orders o WHERE {' AND '.join(places)} "
        "ORDER BY o.id DESC LIMIT :limit"
    )


#: The pages under each condition alone, and under none.
PAGES = {"page": _page(()), **{f"page_by_{name}": _page((name,)) for name in _CONDITIONS}}


class PostgresStatements:
    """Reads of one account at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def orders(
        self, user_id: int, wanted: OrderFilter, before_id: int, limit: int
    ) -> list[OrderRecord]:
        """Return orders with ids below ``before_id``, newest first."""
        given = {f: getattr(wanted, f) for f in _CONDITIONS if getattr(wanted, f) is not None}
        statement = _page(given)
        parameters = {"user_id": user_id, "before_id": before_id, "limit": limit, **given}
        return self._read(statement, parameters, OrderRecord)

    def order(self, user_id: int, order_id: int) -> OrderHistory | None:
        return self._history(_ORDER, {"user_id": user_id, "order_id": order_id})

    def order_of_client(self, user_id: int, client_order_id: str) -> OrderHistory | None:
        parameters = {"user_id": user_id, "client_order_id": client_order_id}
        return self._history(_ORDER_OF_CLIENT, parameters)

    def positions(self, user_id: int) -> list[PositionRecord]:
        return self._read(_POSITIONS, {"user_id": user_id}, PositionRecord)

    def trades(self, user_id: int) -> list[TradeRecord]:
        return self._read(_TRADES, {"user_id": user_id}, TradeRecord)

    def _history(self, statement: TextClause, parameters: dict[str, object]) -> OrderHistory | None:
        found = self._read(statement, parameters, OrderHistory)
        if not found:
            return None
        wanted = {"user_id": parameters["user_id"], "parent_id": int(found[0].order_id)}
        return replace(found[0], slices=tuple(self._read(_SLICES, wanted, OrderRecord)))

    def _read(
        self, statement: TextClause, parameters: dict[str, object], record: type[_Record]
    ) -> list[_Record]:
        with self._engine.connect() as connection:
            rows = connection.execute(statement, parameters).mappings().all()
        return msgspec.convert([dict(row) for row in rows], list[record])  # type: ignore[valid-type]
