"""Parked orders, and sending one again: order, event and audit entry in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import named
from angel_x.domain.orders.denial import DenialReason, MoveReason
from angel_x.domain.orders.order import EXIT_PREFIX, REFUSED, OrderStatus, Priority
from angel_x.domain.orders.order_types import LIMITED
from angel_x.domain.records.audit import ParkedOrder, ReplayCandidate

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# A sliced order is parked slice by slice.
_IS_PARKED = f"""
    o.reason = '{DenialReason.PROCESSING_FAILED}' AND o.status IN {literals(REFUSED)} AND o.slices = 0
"""
_LAST_REPLAY = """
LEFT JOIN LATERAL (
    SELECT a.detail->>'order_id' AS replayed_as FROM audit_entries a
    WHERE a.subject = 'order:' || o.id AND a.action = 'order.replayed' ORDER BY a.id DESC LIMIT 1
) r ON true
"""
_PARKED = f"""
SELECT o.id::text AS order_id, o.client_order_id, u.name AS account, o.symbol, o.side, o.quantity,
    o.status, o.closed_at AS parked_at, e.detail, r.replayed_as
FROM orders o JOIN users u ON u.id = o.user_id {_LAST_REPLAY}
LEFT JOIN LATERAL (
    SELECT detail FROM order_events WHERE order_id = o.id AND reason = '{DenialReason.PROCESSING_FAILED}'
    ORDER BY id DESC LIMIT 1
) e ON true
WHERE {_IS_PARKED} AND (%(replayed)s OR r.replayed_as IS NULL)
ORDER BY o.id DESC LIMIT %(limit)s
"""
_WAITING = f"""
SELECT count(*) FROM orders o {_LAST_REPLAY} WHERE {_IS_PARKED} AND r.replayed_as IS NULL
"""
# A replay refers to the original parked order; ids of callers have no space.
_LOCK = """
SELECT o.id FROM orders given JOIN orders o ON o.user_id = given.user_id
    AND o.client_order_id = regexp_replace(given.client_order_id, ' replay [0-9]+$', '')
WHERE given.id = %(order_id)s FOR NO KEY UPDATE OF o
"""
_READ = f"""
SELECT o.id, o.client_order_id, o.priority, {_IS_PARKED} AS is_parked,
    o.basket_id IS NOT NULL OR o.client_order_id LIKE '{EXIT_PREFIX}%%' AS is_of_workflow,
    r.count AS replays, r.living
FROM orders o CROSS JOIN LATERAL (
    SELECT count(*) AS count,
        max(n.id) FILTER (WHERE n.closed_at IS NULL OR n.filled_quantity > 0) AS living
    FROM audit_entries a JOIN orders n ON n.id = (a.detail->>'order_id')::bigint
    WHERE a.subject = 'order:' || o.id AND a.action = 'order.replayed'
) r WHERE o.id = %(order_id)s
"""
# An order at market got its limit when it was decided.
_SEND = f"""
WITH sent AS (
    INSERT INTO orders (
        user_id, client_order_id, request_hash, symbol, side, quantity, order_type, limit_price,
        trigger_price, validity, product, priority, tag, valid_until, ring_at)
    SELECT o.user_id, %(client_order_id)s, o.request_hash, o.symbol, o.side, o.quantity,
        o.order_type, CASE WHEN o.order_type IN {literals(LIMITED)} THEN o.limit_price END,
        o.trigger_price, o.validity, o.product, o.priority, o.tag,
        least(%(day_ends)s, c.expires_at),
        clock_timestamp() + make_interval(secs => %(ring_after)s)
    FROM orders o JOIN contracts c ON c.symbol = o.symbol WHERE o.id = %(order_id)s
    RETURNING id
), told AS (
    INSERT INTO order_events (order_id, status, actor, reason)
    SELECT id, '{OrderStatus.RECEIVED}', %(actor)s, '{MoveReason.REPLAYED}' FROM sent
), audited AS (
    INSERT INTO audit_entries (actor, action, subject, detail)
    SELECT %(actor)s, 'order.replayed', 'order:' || %(order_id)s::text, jsonb_build_object(
        'order_id', id::text, 'client_order_id', %(client_order_id)s::text)
    FROM sent
)
SELECT id FROM sent
"""


class _CandidateRow(NamedTuple):
    id: int
    client_order_id: str
    priority: str
    is_parked: bool
    is_of_workflow: bool
    replays: int
    living: int | None


class PostgresReplayUnit:
    """One order, locked.  Leaving it without :meth:`send` changes nothing."""

    def __init__(self, connection: Connection, ring_after_seconds: float) -> None:
        self._connection = connection
        self._ring_after = ring_after_seconds

    def candidate(self, order_id: int) -> ReplayCandidate | None:
        locked = self._connection.exec_driver_sql(
            _LOCK, {"order_id": order_id}
        ).scalar_one_or_none()
        if locked is None:
            return None
        # A separate statement, which sees the changes of the former holder of the lock.
        found = self._connection.exec_driver_sql(_READ, {"order_id": locked})
        [row] = named(found, _CandidateRow)
        return ReplayCandidate(
            row.id, row.client_order_id, Priority(row.priority), row.is_parked,
            row.is_of_workflow, row.replays, row.living,
        )  # fmt: skip

    def send(self, order_id: int, client_order_id: str, *, day_ends: datetime, actor: str) -> int:
        parameters = {
            "order_id": order_id,
            "client_order_id": client_order_id,
            "day_ends": day_ends,
            "ring_after": self._ring_after,
            "actor": actor,
        }
        new_id = int(self._connection.exec_driver_sql(_SEND, parameters).scalar_one())
        self._connection.commit()
        return new_id


class PostgresReplays:
    """Orders that were parked."""

    def __init__(self, engine: Engine, *, ring_after_seconds: float) -> None:
        self._engine = engine
        self._ring_after = ring_after_seconds

    def parked(self, limit: int, *, replayed: bool) -> list[ParkedOrder]:
        """Return parked orders, the newest first; with ``replayed`` also replayed ones."""
        parameters = {"limit": limit, "replayed": replayed}
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(_PARKED, parameters).mappings().all()
        return msgspec.convert([dict(row) for row in rows], list[ParkedOrder])

    def waiting(self) -> int:
        """Return the number of parked orders that are not replayed."""
        with self._engine.connect() as connection:
            return int(connection.exec_driver_sql(_WAITING).scalar_one())

    @contextmanager
    def begin(self) -> Iterator[PostgresReplayUnit]:
        """Open a transaction that is rolled back unless :meth:`ReplayUnit.send` commits it."""
        with self._engine.connect() as connection:
            yield PostgresReplayUnit(connection, self._ring_after)
