"""The read models of one account: one statement each, all of them on an index."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec
from sqlalchemy import text

from angel_x.adapters.postgres.literals import literals
from angel_x.domain.orders.denial import MoveReason
from angel_x.domain.orders.order import OPEN
from angel_x.domain.records.order_record import OrderFilter, OrderHistory, OrderRecord, PageFloor
from angel_x.domain.records.statement import (
    FillRecord,
    LedgerRecord,
    Period,
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
    "is_open": f"o.status IN {literals(OPEN)}",
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
    g.delta, g.gamma, g.vega, g.theta, g.as_of AS greeks_as_of,
    coalesce(CASE WHEN m.market_day < :day THEN m.pnl ELSE m.opening_pnl END, 0.00) AS opening_pnl
FROM positions p LEFT JOIN greeks_snapshot g ON p.symbol = g.symbol
LEFT JOIN position_marks m ON m.position_id = p.id
WHERE p.user_id = :user_id AND p.status = 'OPEN' ORDER BY p.entry_time DESC, p.id DESC
""")

_TRADE_CONDITIONS = {
    "since": "AND t.closed_at >= :since",
    "until": "AND t.closed_at < :until",
    "after": "AND (t.closed_at, t.id) < (:at, CAST(:id AS bigint))",
    "recent": "AND t.closed_at >= now() - interval '24 hours'",
}
_FILL_CONDITIONS = {
    "since": "AND f.at >= :since",
    "until": "AND f.at < :until",
    "after": "AND (f.at, f.id) < (:at, CAST(:id AS bigint))",
}
# The first condition bounds the search by the index, the second one finds the row.
_LEDGER_CONDITIONS = {
    "since": "AND l.at >= :since",
    "until": "AND l.at < :until",
    "after": "AND l.at <= :at AND (l.at, coalesce(l.order_id, 0), l.account, l.amount) "
    "< (:at, CAST(:order_id AS bigint), CAST(:account AS text), CAST(:amount AS numeric))",
}

#: Conditions with an index of their own, under which an account has few orders.
_SELECTIVE = frozenset({"client_order_id", "parent_id", "basket_id"})
#: Orders that one page looks at under any filter; more than any page has.
_LOOKED_AT = 2_000
_FLOOR = text("""
SELECT o.id, o.accepted_at FROM orders o WHERE o.id = (
    SELECT b.id FROM orders b WHERE b.user_id = :user_id AND b.id < :before_id
    ORDER BY b.id DESC OFFSET :looked_at LIMIT 1)
""")
#: Ids are given in the order of acceptance, except across a step of the database's clock.
_CLOCK_STEP = timedelta(minutes=5)
_BOTTOM = PageFloor(0, is_last=True)


# By ids of the index of the account, one by one: a scan of the primary key between two of them looks
# cheap to the planner, and reads the orders of all accounts.
_LOOKED = """
FROM unnest(ARRAY(
    SELECT b.id FROM orders b
    WHERE b.user_id = :user_id AND b.id < :before_id AND b.id >= :floor_id ORDER BY b.id DESC
)) WITH ORDINALITY AS looked (id, place) JOIN orders o ON o.id = looked.id
"""


def _page(conditions: Collection[str]) -> TextClause:
    """Return the statement of a page of orders under conditions."""
    is_selective = bool(_SELECTIVE.intersection(conditions))
    source = "FROM orders o" if is_selective else _LOOKED
    places = ["o.user_id = :user_id", "o.id < :before_id", *(_CONDITIONS[f] for f in conditions)]
    if "parent_id" not in conditions:
        # A slice is shown with its order.
        places.append("o.parent_id IS NULL")
    order = "o.id DESC" if is_selective else "looked.place"
    return text(
        f"SELECT {_ORDER_COLUMNS} {source} WHERE {' AND '.join(places)} "
        f"ORDER BY {order} LIMIT :limit"
    )


def _trades(conditions: Collection[str]) -> TextClause:
    """Return the statement of a page of closed trades under conditions."""
    places = [_TRADE_CONDITIONS[name] for name in conditions]
    return text(
        "SELECT t.id::text AS id, t.symbol, t.side, t.quantity, t.entry_price, t.exit_price, "
        "t.realised_pnl, t.closed_at FROM trades t "
        f"WHERE t.user_id = :user_id AND t.status = 'CLOSED' {' '.join(places)} "
        "ORDER BY t.closed_at DESC, t.id DESC LIMIT :limit"
    )


def _fills(conditions: Collection[str]) -> TextClause:
    """Return the statement of a page of fills under conditions."""
    places = [_FILL_CONDITIONS[name] for name in conditions]
    return text(
        "SELECT f.id::text AS id, f.execution_id, f.order_id::text AS order_id, "
        "(SELECT o.client_order_id FROM orders o WHERE o.id = f.order_id) AS client_order_id, "
        "f.symbol, f.side, f.quantity, f.price, f.at "
        f"FROM fills f WHERE f.user_id = :user_id {' '.join(places)} "
        "ORDER BY f.at DESC, f.id DESC LIMIT :limit"
    )


def _ledger(conditions: Collection[str]) -> TextClause:
    """Return the statement of a page of the ledger under conditions."""
    places = [_LEDGER_CONDITIONS[name] for name in conditions]
    return text(
        "SELECT l.at, l.account, l.amount, l.order_id::text AS order_id "
        f"FROM ledger_entries l WHERE l.user_id = :user_id {' '.join(places)} "
        "ORDER BY l.at DESC, coalesce(l.order_id, 0) DESC, l.account DESC, l.amount DESC "
        "LIMIT :limit"
    )


#: The pages under each condition alone, and under none.
PAGES = {
    "page": _page(()),
    **{f"page_by_{name}": _page((name,)) for name in _CONDITIONS},
    "reading_trades": _trades(["recent"]),
    **{f"reading_trades_by_{name}": _trades([name]) for name in _TRADE_CONDITIONS},
    "reading_fills": _fills([]),
    **{f"reading_fills_by_{name}": _fills([name]) for name in _FILL_CONDITIONS},
    "reading_ledger": _ledger([]),
    **{f"reading_ledger_by_{name}": _ledger([name]) for name in _LEDGER_CONDITIONS},
}


class PostgresStatements:
    """Reads of one account at a time."""

    def __init__(self, engine: Engine, *, looked_at: int = _LOOKED_AT) -> None:
        self._engine = engine
        self._looked_at = looked_at

    def floor(self, user_id: int, wanted: OrderFilter, before_id: int) -> PageFloor:
        """Return the end of the orders that a page looks at."""
        if any(getattr(wanted, name) is not None for name in _SELECTIVE):
            return _BOTTOM
        where = {"user_id": user_id, "before_id": before_id, "looked_at": self._looked_at - 1}
        with self._engine.connect() as connection:
            floor = connection.execute(_FLOOR, where).one_or_none()
        if floor is None:
            return _BOTTOM
        is_past = wanted.since is not None and floor.accepted_at < wanted.since - _CLOCK_STEP
        return PageFloor(floor.id, is_last=is_past)

    def orders(
        self, user_id: int, wanted: OrderFilter, before_id: int, limit: int, floor_id: int = 0
    ) -> list[OrderRecord]:
        """Return orders with ids from ``floor_id`` to below ``before_id``, newest first."""
        given = {f: getattr(wanted, f) for f in _CONDITIONS if getattr(wanted, f) is not None}
        ids = {"user_id": user_id, "before_id": before_id, "floor_id": floor_id}
        return self._read(_page(given), {**ids, "limit": limit, **given}, OrderRecord)

    def order(self, user_id: int, order_id: int) -> OrderHistory | None:
        return self._history(_ORDER, {"user_id": user_id, "order_id": order_id})

    def order_of_client(self, user_id: int, client_order_id: str) -> OrderHistory | None:
        parameters = {"user_id": user_id, "client_order_id": client_order_id}
        return self._history(_ORDER_OF_CLIENT, parameters)

    def positions(self, user_id: int, day: date) -> list[PositionRecord]:
        """Return open positions, with their P&L at the opening of a day of the market."""
        return self._read(_POSITIONS, {"user_id": user_id, "day": day}, PositionRecord)

    def trades(
        self, user_id: int, period: Period, after: Mapping[str, object], limit: int
    ) -> list[TradeRecord]:
        """Return round trips closed in a period, behind the row ``after`` if it is not empty.

        Without either, those of the last 24 hours.
        """
        given = _given(user_id, period, after, limit)
        is_recent = period == Period() and not after
        conditions = ["recent"] if is_recent else _named(given, _TRADE_CONDITIONS)
        return self._read(_trades(conditions), given, TradeRecord)

    def fills(
        self, user_id: int, period: Period, after: Mapping[str, object], limit: int
    ) -> list[FillRecord]:
        """Return fills of a period, behind the row ``after`` if it is not empty."""
        given = _given(user_id, period, after, limit)
        return self._read(_fills(_named(given, _FILL_CONDITIONS)), given, FillRecord)

    def ledger(
        self, user_id: int, period: Period, after: Mapping[str, object], limit: int
    ) -> list[LedgerRecord]:
        """Return entries of a period, behind the row ``after`` if it is not empty."""
        given = _given(user_id, period, after, limit)
        return self._read(_ledger(_named(given, _LEDGER_CONDITIONS)), given, LedgerRecord)

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


def _given(
    user_id: int, period: Period, after: Mapping[str, object], limit: int
) -> dict[str, object]:
    ends = {"since": period.since, "until": period.until}
    given = {name: end for name, end in ends.items() if end is not None}
    return {"user_id": user_id, "limit": limit, **given, **after}


def _named(given: Collection[str], conditions: Mapping[str, str]) -> list[str]:
    """Return the conditions whose values are given; ``at`` is of the row before the page."""
    return [name for name in conditions if ("at" if name == "after" else name) in given]
