"""New rows of the append-only tables, read once each by a cursor on their ids.

A sequence gives ids before their transactions commit, so a larger id may be visible earlier.  Rows up to
an id are final once every transaction has ended that was writing to the table when the id was read: such
a transaction holds a lock of the table from before it takes an id until it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from angel_x.adapters.postgres.rows import named
from angel_x.domain.book.control import ControlScope
from angel_x.domain.operations.notice import Notice, Topic
from angel_x.domain.orders.order import OrderStatus

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Ids of one round: the rows of a long outage are read in several.
_IDS = 20_000

_CURSOR = """
SELECT after_id, high_id, writers FROM alert_cursors WHERE source = %(source)s
"""
# History before the first round is not told.
_FIRST = """
INSERT INTO alert_cursors (source, after_id) VALUES (%(source)s, %(high)s) ON CONFLICT DO NOTHING
"""
_SAVE = """
UPDATE alert_cursors SET after_id = %(after)s, high_id = %(high)s, writers = %(writers)s::text[]
WHERE source = %(source)s
"""
_WRITERS = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation = %(table)s::regclass
"""
_FILLS = """
SELECT max(f.id) AS id, f.user_id, u.name AS account, f.symbol, f.side,
    sum(f.quantity)::bigint AS quantity,
    round(sum(f.quantity * f.price) / sum(f.quantity), 2) AS price
FROM fills f JOIN users u ON u.id = f.user_id
WHERE f.id > %(after)s AND f.id <= %(upto)s
GROUP BY f.order_id, f.user_id, u.name, f.symbol, f.side ORDER BY 1
"""
_REFUSALS = f"""
SELECT o.user_id, u.name AS account, coalesce(e.reason, e.status) AS reason, count(*) AS orders,
    min(o.symbol) AS symbol
FROM order_events e JOIN orders o ON o.id = e.order_id JOIN users u ON u.id = o.user_id
WHERE e.id > %(after)s AND e.id <= %(upto)s AND o.parent_id IS NULL
    AND e.status IN ('{OrderStatus.DENIED}', '{OrderStatus.REJECTED}')
GROUP BY o.user_id, u.name, coalesce(e.reason, e.status) ORDER BY o.user_id, 3
"""
_CONTROLS = """
SELECT id, actor, subject, coalesce(detail ->> 'state', '') AS state, detail ->> 'reason' AS reason
FROM audit_entries
WHERE id > %(after)s AND id <= %(upto)s AND action = 'trading_state.set' ORDER BY id
"""


class _CursorRow(NamedTuple):
    after_id: int
    high_id: int | None
    writers: list[str]


class _FillRow(NamedTuple):
    id: int
    user_id: int
    account: str
    symbol: str
    side: str
    quantity: int
    price: Decimal


class _RefusalRow(NamedTuple):
    user_id: int
    account: str
    reason: str
    orders: int
    symbol: str


class _ControlRow(NamedTuple):
    id: int
    actor: str
    subject: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Source:
    table: str
    sequence: str
    statement: str
    row: type[Any]
    notice: Callable[[Any], Notice]


def _fill(row: _FillRow) -> Notice:
    text = f"{row.account}: {row.side} {row.quantity:,} {row.symbol} at {row.price:,.2f}"
    return Notice(Topic.FILL, f"fill {row.id}", text, row.user_id)


def _refusal(row: _RefusalRow) -> Notice:
    which = row.symbol if row.orders == 1 else f"{row.orders:,} orders, as {row.symbol}"
    subject = f"{row.user_id} {row.reason}"
    return Notice(Topic.DENIAL, subject, f"{row.account}: {which}: {row.reason}", row.user_id)


def _control(row: _ControlRow) -> Notice:
    scope, _, name = row.subject.partition(":")
    user_id = int(name) if scope == ControlScope.USER and name.isdigit() else None
    because = f": {row.reason}" if row.reason else ""
    text = f"trading of {row.subject} is {row.state}, by {row.actor}{because}"
    return Notice(Topic.KILL_SWITCH, f"control {row.id}", text, user_id)


_SOURCES = (
    _Source("fills", "fills_id_seq", _FILLS, _FillRow, _fill),
    _Source("order_events", "order_event_ids", _REFUSALS, _RefusalRow, _refusal),
    _Source("audit_entries", "audit_entries_id_seq", _CONTROLS, _ControlRow, _control),
)


def new_events(connection: Connection, *, tells: bool) -> Iterator[Notice]:
    """Yield a notice for each new event, and move the cursors in the transaction of the caller.

    Without ``tells`` the events are passed by.
    """
    for source in _SOURCES:
        yield from _new_of(connection, source, tells=tells)


def _new_of(connection: Connection, source: _Source, *, tells: bool) -> Iterator[Notice]:
    cursor = _cursor(connection, source)
    if cursor is None:
        return
    high = _high(connection, source) if cursor.high_id is None else cursor.high_id
    writers = _writers(connection, source)
    pending = writers if cursor.high_id is None else writers & set(cursor.writers)
    if pending:
        _save(connection, source, cursor.after_id, high, pending)
        return
    upto = min(high, cursor.after_id + _IDS)
    if upto > cursor.after_id and tells:
        parameters = {"after": cursor.after_id, "upto": upto}
        rows = named(connection.exec_driver_sql(source.statement, parameters), source.row)
        yield from map(source.notice, rows)
    after = upto if tells else high
    _save(connection, source, after, None if after == high else high, frozenset())


def _cursor(connection: Connection, source: _Source) -> _CursorRow | None:
    """Return the cursor; None in the first round, which stores one."""
    found = named(connection.exec_driver_sql(_CURSOR, {"source": source.table}), _CursorRow)
    if found:
        return found[0]
    high = _high(connection, source)
    connection.exec_driver_sql(_FIRST, {"source": source.table, "high": high})
    return None


def _high(connection: Connection, source: _Source) -> int:
    """Return the last id that was given."""
    query = "SELECT coalesce(pg_sequence_last_value(%(sequence)s::regclass), 0)"
    found = connection.exec_driver_sql(query, {"sequence": source.sequence})
    return int(found.scalar_one())


def _writers(connection: Connection, source: _Source) -> frozenset[str]:
    found = connection.exec_driver_sql(_WRITERS, {"table": source.table})
    return frozenset(found.scalars())


def _save(
    connection: Connection, source: _Source, after: int, high: int | None, writers: frozenset[str]
) -> None:
    parameters = {
        "source": source.table,
        "after": after,
        "high": high,
        "writers": sorted(writers),
    }
    connection.exec_driver_sql(_SAVE, parameters)
