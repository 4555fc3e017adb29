"""The limits that are set, and every change of them in the audit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.rows import read

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_ALL = "SELECT scope, name, kind, value::text AS value FROM risk_limits ORDER BY scope, name, kind"

# Writers go one after the other, so that the value an audit entry calls the former one was it.
# Readers are not held up.
_LOCK = "LOCK TABLE risk_limits IN SHARE ROW EXCLUSIVE MODE"
_OF = "SELECT kind, value FROM risk_limits WHERE scope = %(scope)s AND name = %(name)s"
_SET = """
WITH given AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(values)s::numeric[]) AS t (kind, value)
)
INSERT INTO risk_limits (scope, name, kind, value, actor)
SELECT %(scope)s, %(name)s, kind, value, %(actor)s FROM given
ON CONFLICT (scope, name, kind) DO UPDATE
    SET value = EXCLUDED.value, actor = EXCLUDED.actor, changed_at = clock_timestamp()
"""
_CLEAR = """
DELETE FROM risk_limits
WHERE scope = %(scope)s AND name = %(name)s AND kind = ANY(%(kinds)s::text[])
"""
_AUDIT = """
INSERT INTO audit_entries (actor, action, subject, detail)
SELECT %(actor)s, %(action)s, %(subject)s, detail
FROM unnest(%(details)s::jsonb[]) WITH ORDINALITY AS t (detail, position) ORDER BY position
"""


class LimitRow(NamedTuple):
    scope: str
    name: str
    kind: str
    value: str


#: The detail of an audit entry of one limit.
Detail = dict[str, str | Decimal | None]


class PostgresRiskLimits:
    """The table ``risk_limits``.  Everyone's limits have no user id."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def rows(self) -> list[LimitRow]:
        return read(self._engine, _ALL, LimitRow)

    def put(self, user_id: int | None, values: Mapping[str, Decimal], actor: str) -> None:
        with self._engine.begin() as connection:
            before = _lock_and_read(connection, user_id)
            changed = {kind: v for kind, v in values.items() if before.get(kind) != v}
            if not changed:
                return
            columns = {"kinds": array(changed), "values": array(changed.values())}
            connection.exec_driver_sql(_SET, {**_key(user_id), **columns, "actor": actor})
            details: list[Detail] = [
                {"kind": kind, "value": v, "before": before.get(kind)}
                for kind, v in changed.items()
            ]
            _audit(connection, user_id, actor, "limit.set", details)

    def clear(self, user_id: int | None, kinds: Collection[str], actor: str) -> None:
        with self._engine.begin() as connection:
            before = _lock_and_read(connection, user_id)
            gone = [kind for kind in kinds if kind in before]
            if not gone:
                return
            connection.exec_driver_sql(_CLEAR, {**_key(user_id), "kinds": array(gone)})
            details: list[Detail] = [{"kind": kind, "before": before[kind]} for kind in gone]
            _audit(connection, user_id, actor, "limit.cleared", details)


def _lock_and_read(connection: Connection, user_id: int | None) -> dict[str, Decimal]:
    connection.exec_driver_sql(_LOCK)
    found = connection.exec_driver_sql(_OF, _key(user_id))
    return {row.kind: row.value for row in found}


def _audit(
    connection: Connection,
    user_id: int | None,
    actor: str,
    action: str,
    details: list[Detail],
) -> None:
    parameters = {
        "actor": actor,
        "action": action,
        "subject": "global" if user_id is None else f"user:{user_id}",
        "details": array(msgspec.json.encode(detail).decode() for detail in details),
    }
    connection.exec_driver_sql(_AUDIT, parameters)


def _key(user_id: int | None) -> dict[str, str]:
    if user_id is None:
        return {"scope": "global", "name": ""}
    return {"scope": "user", "name": str(user_id)}
