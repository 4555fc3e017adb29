"""Storing what was accepted: one transaction, two statements, however many orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg2.errors import DeadlockDetected
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.arrays import array
from angel_x.domain.order import OrderRequest, OrderStatus

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# Rows of a request that is already known are skipped by the unique key, whether it was stored
# before or stands twice in this very statement.
_INSERT = """
WITH given AS (
    SELECT * FROM unnest(
        %(user_ids)s::bigint[], %(client_order_ids)s::text[], %(hashes)s::bytea[], %(symbols)s::text[],
        %(sides)s::text[], %(quantities)s::integer[], %(types)s::text[], %(limits)s::numeric[],
        %(triggers)s::numeric[], %(validities)s::text[], %(products)s::text[],
        %(priorities)s::text[], %(tags)s::text[], %(until)s::timestamptz[]
    ) WITH ORDINALITY AS t (
        user_id, client_order_id, request_hash, symbol, side, quantity, order_type, limit_price,
        trigger_price, validity, product, priority, tag, valid_until, position)
), stored AS (
    INSERT INTO orders (
        user_id, client_order_id, request_hash, symbol, side, quantity, order_type, limit_price,
        trigger_price, validity, product, priority, tag, valid_until, ring_at)
    SELECT user_id, client_order_id, request_hash, symbol, side, quantity, order_type, limit_price,
        trigger_price, validity, product, priority, tag, valid_until,
        clock_timestamp() + make_interval(secs => %(ring_after)s)
    FROM given ORDER BY position
    ON CONFLICT (user_id, client_order_id) DO NOTHING
    RETURNING id, user_id, client_order_id
), told AS (
    INSERT INTO order_events (order_id, status, actor) SELECT id, 'received', %(actor)s FROM stored
)
SELECT id, user_id, client_order_id FROM stored
"""

_KNOWN = """
SELECT o.id, o.user_id, o.client_order_id, o.status, o.request_hash
FROM unnest(%(user_ids)s::bigint[], %(client_order_ids)s::text[]) AS given (user_id, client_order_id)
JOIN orders o USING (user_id, client_order_id)
"""


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """What the database holds under one client order id."""

    order_id: int
    status: OrderStatus
    request_hash: bytes
    is_new: bool


_DEADLOCK_RETRIES = 3

#: An order to store: the account, what it asks for, its hash, and until when it is valid.
IntakeRow = tuple[int, OrderRequest, bytes, datetime]


class OrderIntake:
    """The orders table as acceptance sees it."""

    def __init__(self, engine: Engine, *, ring_after_seconds: float) -> None:
        self._engine = engine
        self._ring_after = ring_after_seconds

    def store(self, rows: Sequence[IntakeRow], actor: str) -> dict[tuple[int, str], StoredOrder]:
        """Store the rows that are not known yet, commit, and say what stands under each id.

        If any known row says something else than the one given, nothing is stored: the caller
        finds the difference in the hashes and leaves that request out.
        """
        for _ in range(_DEADLOCK_RETRIES):
            try:
                return self._store(rows, actor)
            except OperationalError as error:
                # Two requests that share ids in opposite order: the server has undone one of them.
                if not isinstance(error.orig, DeadlockDetected):
                    raise
        return self._store(rows, actor)

    def _store(self, rows: Sequence[IntakeRow], actor: str) -> dict[tuple[int, str], StoredOrder]:
        with self._engine.connect() as connection:
            found = self._insert(connection, rows, actor)
            missing = [row for row in rows if (row[0], row[1].client_order_id) not in found]
            if missing:
                found |= _known(connection, [(u, r.client_order_id) for u, r, _, _ in missing])
            if any(found[u, r.client_order_id].request_hash != h for u, r, h, _ in rows):
                connection.rollback()
            else:
                connection.commit()
        return found

    def known(self, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], StoredOrder]:
        """Return what stands under accounts and client order ids; what is unknown is left out."""
        with self._engine.connect() as connection:
            return _known(connection, keys)

    def waiting(self) -> int:
        """Return how many orders are received and not decided."""
        with self._engine.connect() as connection:
            row = connection.exec_driver_sql(
                "SELECT count(*) FROM orders WHERE status = 'received'"
            ).one()
        return int(row[0])

    def _insert(
        self, connection: Connection, rows: Sequence[IntakeRow], actor: str
    ) -> dict[tuple[int, str], StoredOrder]:
        requests = [request for _, request, _, _ in rows]
        parameters = {
            "user_ids": array(user_id for user_id, _, _, _ in rows),
            "hashes": array(digest for _, _, digest, _ in rows),
            "until": array(until for _, _, _, until in rows),
            "client_order_ids": array(r.client_order_id for r in requests),
            "symbols": array(r.symbol for r in requests),
            "sides": array(r.side.value for r in requests),
            "quantities": array(r.quantity for r in requests),
            "types": array(r.order_type.value for r in requests),
            "limits": array(r.limit_price for r in requests),
            "triggers": array(r.trigger_price for r in requests),
            "validities": array(r.validity.value for r in requests),
            "products": array(r.product.value for r in requests),
            "priorities": array(r.priority.value for r in requests),
            "tags": array(r.tag for r in requests),
            "ring_after": self._ring_after,
            "actor": actor,
        }
        hashes = {(u, r.client_order_id): digest for u, r, digest, _ in reversed(rows)}
        result = connection.exec_driver_sql(_INSERT, parameters)
        return {
            (user_id, client_id): StoredOrder(
                order_id, OrderStatus.RECEIVED, hashes[user_id, client_id], is_new=True
            )
            for order_id, user_id, client_id in result
        }


def _known(
    connection: Connection, keys: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], StoredOrder]:
    """Read rows that another transaction has stored; a new statement sees them."""
    parameters = {
        "user_ids": array(user_id for user_id, _ in keys),
        "client_order_ids": array(client_id for _, client_id in keys),
    }
    result = connection.exec_driver_sql(_KNOWN, parameters)
    return {
        (user_id, client_id): StoredOrder(
            order_id, OrderStatus(status), bytes(digest), is_new=False
        )
        for order_id, user_id, client_id, status, digest in result
    }
