"""The targets of notices, and the notices of a target as they are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.rows import named, read
from angel_x.domain.operations.alert_target import (
    AlertTarget,
    NoticeStatus,
    NoticeView,
    TargetView,
)
from angel_x.domain.operations.notice import Notice, QuietHours, Topic

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_SAME = "user_id IS NOT DISTINCT FROM %(user_id)s::bigint"
_AUDIT = """
INSERT INTO audit_entries (actor, action, subject, detail)
VALUES (%(actor)s, %(action)s, %(subject)s, %(detail)s::jsonb)
"""
_PUT = """
INSERT INTO alert_targets (user_id, name, service, address, topics, quiet_from, quiet_until)
VALUES (%(user_id)s, %(name)s, %(service)s, %(address)s, %(topics)s::text[], %(quiet_from)s,
    %(quiet_until)s)
ON CONFLICT (coalesce(user_id, 0), name) DO UPDATE SET service = excluded.service,
    address = excluded.address, topics = excluded.topics, quiet_from = excluded.quiet_from,
    quiet_until = excluded.quiet_until
"""
_REMOVE = f"DELETE FROM alert_targets WHERE {_SAME} AND name = %(name)s"
_ALL = """
SELECT id, user_id, name, service, topics, quiet_from, quiet_until FROM alert_targets ORDER BY id
"""
_VIEWS = f"""
SELECT t.name, t.service, t.topics, t.quiet_from, t.quiet_until,
    count(n.id) FILTER (WHERE n.status = 'waiting') AS waiting,
    count(n.id) FILTER (WHERE n.status = 'dead') AS dead
FROM alert_targets t LEFT JOIN alert_notices n ON n.target_id = t.id
WHERE t.{_SAME} GROUP BY t.id ORDER BY t.name
"""
_NOTICES = f"""
SELECT n.id, t.name AS target, n.topic, n.text, n.status, n.attempts, n.created_at, n.due_at,
    n.sent_at, n.error
FROM alert_notices n JOIN alert_targets t ON t.id = n.target_id
WHERE t.{_SAME} AND (%(status)s::text IS NULL OR n.status = %(status)s)
ORDER BY n.id DESC LIMIT %(limit)s
"""
_TELL = f"""
INSERT INTO alert_notices (target_id, topic, subject, text, due_at)
SELECT id, %(topic)s, %(subject)s, %(text)s, clock_timestamp() FROM alert_targets
WHERE {_SAME} AND (%(name)s::text IS NULL OR name = %(name)s)
"""
_RETRY = f"""
UPDATE alert_notices n SET status = 'waiting', attempts = 0, due_at = clock_timestamp()
FROM alert_targets t WHERE t.id = n.target_id AND t.{_SAME} AND n.status = 'dead'
"""


class _TargetRow(NamedTuple):
    id: int
    user_id: int | None
    name: str
    service: str
    topics: list[str]
    quiet_from: time | None
    quiet_until: time | None


class _ViewRow(NamedTuple):
    name: str
    service: str
    topics: list[str]
    quiet_from: time | None
    quiet_until: time | None
    waiting: int
    dead: int


class _NoticeRow(NamedTuple):
    id: int
    target: str
    topic: str
    text: str
    status: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    error: str | None


def all_targets(connection: Connection) -> list[AlertTarget]:
    """Return the targets of all accounts and of the operators, without their addresses."""
    return [
        AlertTarget(
            id=row.id,
            user_id=row.user_id,
            name=row.name,
            service=row.service,
            topics=_topics(row.topics),
            quiet=_quiet(row.quiet_from, row.quiet_until),
        )
        for row in named(connection.exec_driver_sql(_ALL), _TargetRow)
    ]


class PostgresAlertTargets:
    """The tables ``alert_targets`` and ``alert_notices``; an owner of None is the operators."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(
        self,
        user_id: int | None,
        name: str,
        service: str,
        address: bytes,
        topics: Sequence[Topic],
        quiet: QuietHours | None,
        actor: str,
    ) -> None:
        """Store a target, or replace the one of this name; the audit has no address."""
        row = {
            "user_id": user_id,
            "name": name,
            "service": service,
            "address": address,
            "topics": array(topic.value for topic in topics),
            "quiet_from": quiet and quiet.start,
            "quiet_until": quiet and quiet.end,
        }
        detail = {"target": name, "service": service, "topics": list(topics)}
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_PUT, row)
            _note(connection, user_id, actor, "alert_target.set", detail)

    def remove(self, user_id: int | None, name: str, actor: str) -> bool:
        """Remove a target with its notices; return whether there was one."""
        with self._engine.begin() as connection:
            found = connection.exec_driver_sql(_REMOVE, {"user_id": user_id, "name": name})
            if found.rowcount:
                _note(connection, user_id, actor, "alert_target.removed", {"target": name})
            return bool(found.rowcount)

    def views(self, user_id: int | None) -> list[TargetView]:
        """Return the targets of an owner by name."""
        return [
            TargetView(
                name=row.name,
                service=row.service,
                topics=_topics(row.topics),
                quiet_hours=_written(_quiet(row.quiet_from, row.quiet_until)),
                waiting=row.waiting,
                dead=row.dead,
            )
            for row in read(self._engine, _VIEWS, _ViewRow, {"user_id": user_id})
        ]

    def notices(
        self, user_id: int | None, status: NoticeStatus | None, limit: int
    ) -> list[NoticeView]:
        """Return the notices to the targets of an owner, the newest first."""
        parameters = {"user_id": user_id, "status": status and status.value, "limit": limit}
        return [
            NoticeView(
                id=row.id,
                target=row.target,
                topic=Topic(row.topic),
                text=row.text,
                status=NoticeStatus(row.status),
                attempts=row.attempts,
                created_at=row.created_at,
                due_at=row.due_at,
                sent_at=row.sent_at,
                error=row.error,
            )
            for row in read(self._engine, _NOTICES, _NoticeRow, parameters)
        ]

    def tell(self, user_id: int | None, name: str | None, notice: Notice) -> int:
        """Write a notice for a target of an owner, or for all of them; return their number."""
        parameters = {
            "user_id": user_id,
            "name": name,
            "topic": notice.topic.value,
            "subject": notice.subject,
            "text": notice.text,
        }
        with self._engine.begin() as connection:
            return connection.exec_driver_sql(_TELL, parameters).rowcount

    def retry_dead(self, user_id: int | None) -> int:
        """Let the dead notices of an owner be sent again; return their number."""
        with self._engine.begin() as connection:
            return connection.exec_driver_sql(_RETRY, {"user_id": user_id}).rowcount


def _note(
    connection: Connection,
    user_id: int | None,
    actor: str,
    action: str,
    detail: Mapping[str, object],
) -> None:
    parameters = {
        "actor": actor,
        "action": action,
        "subject": "system" if user_id is None else f"user:{user_id}",
        "detail": json.dumps(detail),
    }
    connection.exec_driver_sql(_AUDIT, parameters)


def _topics(names: Sequence[str]) -> tuple[Topic, ...]:
    return tuple(map(Topic, names))


def _quiet(start: time | None, end: time | None) -> QuietHours | None:
    return None if start is None or end is None else QuietHours(start, end)


def _written(quiet: QuietHours | None) -> str | None:
    return None if quiet is None else f"{quiet.start:%H:%M}-{quiet.end:%H:%M}"
