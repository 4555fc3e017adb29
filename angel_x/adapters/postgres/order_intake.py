"""Storing accepted orders: one transaction and two statements for any number of orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING, NamedTuple

from psycopg2.errors import DeadlockDetected
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.prepared import Statement, execute
from angel_x.adapters.postgres.rows import named, read
from angel_x.domain.orders.intake import IntakeRow, KnownOrder, OrderKey
from angel_x.domain.orders.order import OrderRequest, OrderStatus
from angel_x.domain.orders.step import Passing, Step, unhindered

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_GIVEN = """
    unnest(
        %(user_ids)s::bigint[], %(client_order_ids)s::text[], %(hashes)s::bytea[], %(symbols)s::text[],
        %(sides)s::text[], %(quantities)s::integer[], %(types)s::text[], %(limits)s::numeric[],
        %(triggers)s::numeric[], %(validities)s::text[], %(products)s::text[],
        %(priorities)s::text[], %(tags)s::text[], %(until)s::timestamptz[], %(slices)s::integer[],
        %(places)s::integer[]
    ) WITH ORDINALITY AS t (
        user_id, client_order_id, request_hash, symbol, side, quantity, order_type, limit_price,
        trigger_price, validity, product, priority, tag, valid_until, slices, place, position)
"""
_COLUMNS = """
    user_id, client_order_id, request_hash, symbol, side, quantity, order_type, limit_price,
    trigger_price, validity, product, priority, tag, valid_until, ring_at
"""
_VALUES = """
    g.user_id, g.client_order_id, g.request_hash, g.symbol, g.side, g.quantity, g.order_type,
    g.limit_price, g.trigger_price, g.validity, g.product, g.priority, g.tag, g.valid_until,
    clock_timestamp() + make_interval(secs => %(ring_after)s::float8)
"""
# Rows of a request that is already known are skipped by the unique key, whether it was stored
# before or is repeated in this statement.
_INSERT = Statement(
    "accept",
    f"""
WITH stored AS (
    INSERT INTO orders ({_COLUMNS})
    SELECT {_VALUES} FROM (SELECT * FROM {_GIVEN}) AS g ORDER BY g.position
    ON CONFLICT (user_id, client_order_id) DO NOTHING
    RETURNING id, user_id, client_order_id
), told AS (
    INSERT INTO order_events (order_id, status, actor) SELECT id, '{OrderStatus.RECEIVED}', %(actor)s::text FROM stored
)
SELECT id, user_id, client_order_id, NULL::bigint[] AS slice_ids FROM stored
""",
)
# For sliced orders and baskets.  Ids are drawn in the given order, because an account's orders are
# decided in the order of their ids.  Slices follow their order, at places 1,
# 2, … behind its place 0, and are stored only if that order was not there before.
_INSERT_WITH_SLICES = Statement(
    "accept_slices",
    f"""
WITH given AS MATERIALIZED (
    SELECT *, nextval(pg_get_serial_sequence('orders', 'id')) AS id
    FROM (SELECT * FROM {_GIVEN} ORDER BY position) AS t
), stored AS (
    INSERT INTO orders (id, {_COLUMNS}, slices, basket_id, held) OVERRIDING SYSTEM VALUE
    SELECT g.id, {_VALUES}, g.slices, %(basket_id)s::bigint, g.slices > 0 OR %(basket_id)s::bigint IS NOT NULL
    FROM given g WHERE g.place = 0 ORDER BY g.position
    ON CONFLICT (user_id, client_order_id) DO NOTHING
    RETURNING id, user_id, client_order_id
), sliced AS (
    INSERT INTO orders (id, {_COLUMNS}, parent_id, basket_id, held) OVERRIDING SYSTEM VALUE
    SELECT g.id, {_VALUES}, s.id, %(basket_id)s::bigint, %(basket_id)s::bigint IS NOT NULL
    FROM given g JOIN given p ON p.position = g.position - g.place JOIN stored s ON s.id = p.id
    WHERE g.place > 0 ORDER BY g.position
    RETURNING id, parent_id
), told AS (
    INSERT INTO order_events (order_id, status, actor)
    SELECT id, '{OrderStatus.RECEIVED}', %(actor)s::text FROM stored UNION ALL
    SELECT id, '{OrderStatus.RECEIVED}', %(actor)s::text FROM sliced
)
SELECT s.id, s.user_id, s.client_order_id, c.ids AS slice_ids FROM stored s LEFT JOIN (
    SELECT parent_id, array_agg(id ORDER BY id) AS ids FROM sliced GROUP BY parent_id
) c ON c.parent_id = s.id
""",
)

# A transaction that writes nothing is acknowledged at once.  This one waits at its commit until the
# standby has all before it, with the orders of an earlier request whose own commit had no answer.
_WAIT_FOR_STANDBY = "SELECT pg_logical_emit_message(true, 'angel-x', 'known')"
_WAITING = f"""
SELECT user_id, count(*) AS orders FROM orders
WHERE status = '{OrderStatus.RECEIVED}' AND NOT held GROUP BY user_id
"""
_KNOWN = Statement(
    "known",
    """
SELECT o.id, o.user_id, o.client_order_id, o.status, o.request_hash
FROM unnest(%(user_ids)s::bigint[], %(client_order_ids)s::text[]) AS given (user_id, client_order_id)
JOIN orders o USING (user_id, client_order_id)
""",
)


class _WaitingRow(NamedTuple):
    user_id: int
    orders: int


class _NewRow(NamedTuple):
    """A new order."""

    id: int
    user_id: int
    client_order_id: str
    slice_ids: list[int] | None


class _KnownRow(NamedTuple):
    """An order of an earlier request."""

    id: int
    user_id: int
    client_order_id: str
    status: str
    request_hash: memoryview


_DEADLOCK_RETRIES = 3
#: Until the other request has its rows: an attempt that came sooner would meet it again.
_DEADLOCK_PAUSE_SECONDS = 0.02


class _Row(NamedTuple):
    """One row to insert."""

    user_id: int
    request: OrderRequest
    digest: bytes
    valid_until: datetime
    #: The number of slices that follow.
    slices: int
    #: The number of the slice, zero for an order itself.
    place: int


class OrderIntake:
    """The store of accepted orders."""

    def __init__(
        self, engine: Engine, *, ring_after_seconds: float, at: Passing = unhindered
    ) -> None:
        self._engine = engine
        self._ring_after = ring_after_seconds
        self._at = at

    def store(
        self, rows: Sequence[IntakeRow], actor: str, basket_id: int | None = None
    ) -> dict[OrderKey, KnownOrder]:
        """Store the unknown rows, commit, and return the stored order of each key.

        If a known row has another content, nothing is stored: the caller finds the difference in the
        hashes and leaves that request out.  The orders of a basket are held, and not decided until
        they are released.
        """
        for _ in range(_DEADLOCK_RETRIES):
            try:
                return self._store(rows, actor, basket_id)
            except OperationalError as error:
                # Two requests that share ids in opposite order: the server has undone one of them.
                if isinstance(error.orig, DeadlockDetected):
                    sleep(_DEADLOCK_PAUSE_SECONDS)
                elif not _broke_before_commit(error):
                    raise
        return self._store(rows, actor, basket_id)

    def _store(
        self, rows: Sequence[IntakeRow], actor: str, basket_id: int | None
    ) -> dict[OrderKey, KnownOrder]:
        with self._engine.connect() as connection:
            found = self._insert(connection, rows, actor, basket_id)
            missing = [row.key for row in rows if row.key not in found]
            if missing:
                found |= _known(connection, missing)
                connection.exec_driver_sql(_WAIT_FOR_STANDBY)
            if any(found[row.key].request_hash != row.request_hash for row in rows):
                connection.rollback()
            else:
                self._at(Step.ACCEPTANCE_STORED)
                connection.commit()
        return found

    def known(self, keys: Sequence[OrderKey]) -> dict[OrderKey, KnownOrder]:
        with self._engine.connect() as connection:
            return _known(connection, keys)

    def waiting(self) -> dict[int, int]:
        """Return the number of received and undecided orders of each account that has some."""
        return {row.user_id: row.orders for row in read(self._engine, _WAITING, _WaitingRow)}

    def _insert(
        self,
        connection: Connection,
        rows: Sequence[IntakeRow],
        actor: str,
        basket_id: int | None,
    ) -> dict[OrderKey, KnownOrder]:
        hashes = {row.key: row.request_hash for row in reversed(rows)}
        is_plain = basket_id is None and not any(row.slice_sizes for row in rows)
        result = execute(
            connection,
            {"ring_after": self._ring_after, "actor": actor, "basket_id": basket_id}
            | _columns(list(_stored_rows(rows))),
            _INSERT if is_plain else _INSERT_WITH_SLICES,
        )
        return {
            (row.user_id, row.client_order_id): KnownOrder(
                row.id,
                OrderStatus.RECEIVED,
                hashes[row.user_id, row.client_order_id],
                is_new=True,
                slice_ids=tuple(row.slice_ids or ()),
            )
            for row in named(result, _NewRow)
        }


def _stored_rows(rows: Sequence[IntakeRow]) -> Iterator[_Row]:
    """Yield a row for each order, and behind it one for each of its slices."""
    for row in rows:
        request, fixed = row.request, (row.request_hash, row.valid_until)
        yield _Row(row.user_id, request, *fixed, len(row.slice_sizes), 0)
        for place, quantity in enumerate(row.slice_sizes, 1):
            name = f"{request.client_order_id} {place}"
            part = replace(request, client_order_id=name, quantity=quantity)
            yield _Row(row.user_id, part, *fixed, 0, place)


def _columns(rows: Sequence[_Row]) -> dict[str, str]:
    requests = [row.request for row in rows]
    return {
        "user_ids": array(row.user_id for row in rows),
        "hashes": array(row.digest for row in rows),
        "until": array(row.valid_until for row in rows),
        "slices": array(row.slices for row in rows),
        "places": array(row.place for row in rows),
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
    }


def _known(connection: Connection, keys: Sequence[OrderKey]) -> dict[OrderKey, KnownOrder]:
    """Read rows that another transaction has stored; a new statement sees them."""
    parameters = {
        "user_ids": array(user_id for user_id, _ in keys),
        "client_order_ids": array(client_id for _, client_id in keys),
    }
    result = execute(connection, parameters, _KNOWN)
    return {
        (row.user_id, row.client_order_id): KnownOrder(
            row.id, OrderStatus(row.status), bytes(row.request_hash), is_new=False
        )
        for row in named(result, _KnownRow)
    }


def _broke_before_commit(error: OperationalError) -> bool:
    """Return whether the connection broke at a statement of the transaction, which is undone then.

    Where it breaks at the commit, or cannot be made at all, the error has no statement.
    """
    return bool(error.connection_invalidated) and error.statement is not None
