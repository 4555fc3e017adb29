"""The waiting orders of a lane, of as many accounts as fit."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.prepared import Statement, execute
from angel_x.adapters.postgres.rows import named
from angel_x.domain.orders.order import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Engine

    from angel_x.domain.orders.order import Priority


# From account to account through the index of the lane, so that neither a deep backlog of one of them
# nor a large number of them costs more than the returned rows.
def _waiting(label: str, last: str) -> Statement:
    """Return the statement of the oldest orders of each account, ``last`` of those that are read."""
    return Statement(
        label,
        f"""
WITH RECURSIVE accounts (user_id) AS (
    (SELECT user_id FROM orders
        WHERE status = '{OrderStatus.RECEIVED}' AND NOT held AND priority = %(lane)s::text AND user_id > %(after)s::bigint
        ORDER BY user_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.user_id FROM orders o
        WHERE o.status = '{OrderStatus.RECEIVED}' AND NOT o.held AND o.priority = %(lane)s::text
            AND o.user_id > a.user_id
        ORDER BY o.user_id LIMIT 1)
    FROM accounts a WHERE a.user_id IS NOT NULL
)
SELECT a.user_id, w.id AS order_id FROM accounts a CROSS JOIN LATERAL (
    SELECT id FROM orders
    WHERE status = '{OrderStatus.RECEIVED}' AND NOT held AND priority = %(lane)s::text AND user_id = a.user_id
    ORDER BY id LIMIT %(each)s
) AS w {last}
""",
    )


_WAITING = _waiting("waiting", "LIMIT %(limit)s")
_LATE = _waiting(
    "late",
    """JOIN orders l ON l.id = w.id
WHERE l.accepted_at <= clock_timestamp() - make_interval(secs => %(age)s::float8)
ORDER BY l.accepted_at LIMIT %(limit)s""",
)


class _WaitingRow(NamedTuple):
    user_id: int
    order_id: int


class LaneOrders:
    """Goes round the accounts of a lane: each look begins behind the account at which the last ended."""

    def __init__(self, engine: Engine, *, each: int) -> None:
        self._engine = engine
        #: The most orders of one account that are named: they represent all of its orders in the lane.
        self._each = each
        #: The account behind which a lane is looked at next.
        self._after: dict[Priority, int] = {}

    def waiting(self, lane: Priority, limit: int, without: Collection[int] = ()) -> list[list[int]]:
        after = self._after.get(lane, 0)
        with self._engine.connect() as connection:
            found = self._read(connection, lane, after, limit)
            if len(found) < limit and after:
                seen = {row.user_id for row in found}
                rest = self._read(connection, lane, 0, limit - len(found))
                found += [row for row in rest if row.user_id not in seen]
        self._after[lane] = found[-1].user_id if len(found) >= limit else 0
        by_account = groupby(found, attrgetter("user_id"))
        return [
            [row.order_id for row in rows] for user_id, rows in by_account if user_id not in without
        ]

    def late(self, lane: Priority, age_seconds: float, limit: int) -> list[int]:
        """Return the longest waiting of each account's oldest orders, if they have waited so long."""
        parameters = {
            "lane": lane.value,
            "after": 0,
            "each": self._each,
            "age": age_seconds,
            "limit": limit,
        }
        with self._engine.connect() as connection:
            return [
                row.order_id for row in named(execute(connection, parameters, _LATE), _WaitingRow)
            ]

    def _read(
        self, connection: Connection, lane: Priority, after: int, limit: int
    ) -> list[_WaitingRow]:
        parameters = {"lane": lane.value, "after": after, "each": self._each, "limit": limit}
        return named(execute(connection, parameters, _WAITING), _WaitingRow)
