"""The audit and the timelines of orders of all accounts, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from angel_x.domain.records.audit import AuditEntry, AuditFilter, TimelineEvent

if TYPE_CHECKING:
    from sqlalchemy import Engine

_Record = TypeVar("_Record")

# Qualified, because the bare name is the selected text, which sorts "99" after "100".
_ENTRIES = """
SELECT id::text AS id, at, actor, action, subject, detail FROM audit_entries
WHERE id < %(before_id)s {conditions} ORDER BY audit_entries.id DESC LIMIT %(limit)s
"""
_CONDITIONS = {"subject": "AND subject = %(subject)s", "since": "AND at >= %(since)s"}
_TIMELINE = """
SELECT at, status, actor, reason, attempt, detail FROM order_events
WHERE order_id = %(order_id)s ORDER BY id
"""


class PostgresAudit:
    """Reads ``audit_entries`` and ``order_events``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def entries(self, wanted: AuditFilter, before_id: int, limit: int) -> list[AuditEntry]:
        """Return entries with ids below ``before_id``, the newest first."""
        given = {f: getattr(wanted, f) for f in _CONDITIONS if getattr(wanted, f) is not None}
        statement = _ENTRIES.format(conditions=" ".join(_CONDITIONS[name] for name in given))
        return self._read(statement, {"before_id": before_id, "limit": limit, **given}, AuditEntry)

    def timeline(self, order_id: int) -> list[TimelineEvent]:
        """Return every move of an order, the oldest first; none where there is no such order."""
        return self._read(_TIMELINE, {"order_id": order_id}, TimelineEvent)

    def _read(
        self, statement: str, parameters: dict[str, object], record: type[_Record]
    ) -> list[_Record]:
        with self._engine.connect() as connection:
            rows = connection.exec_driver_sql(statement, parameters).mappings().all()
        return msgspec.convert([dict(row) for row in rows], list[record])  # type: ignore[valid-type]
