"""Senders' view of the outbox: due notices are claimed by target, and their outcome is recorded.

A claim moves the due time of its notices behind the lease.  A sender that dies leaves them to the next
one, and the outcome of a claim that another sender has taken over changes no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.rows import named
from angel_x.domain.operations.alert_target import ClaimedNotice, NoticeClaim
from angel_x.domain.operations.notice import Topic, retry_pause

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

#: Longer than the time limit of a task.
LEASE_SECONDS = 30.0
#: Notices of one notification.
_CLAIM = 500

# Two senders never hold one target, so its notifications keep their pace.
_NEXT_TARGET = """
SELECT id, address FROM alert_targets
WHERE next_at <= clock_timestamp() AND id IN (
    SELECT target_id FROM alert_notices WHERE status = 'waiting' AND due_at <= clock_timestamp())
ORDER BY next_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""
_PACE = """
UPDATE alert_targets SET next_at = clock_timestamp() + make_interval(secs => %(pace)s)
WHERE id = %(target)s
"""
# A notice whose senders died at every attempt must not be sent for ever.
_GIVE_UP = """
UPDATE alert_notices SET status = 'dead', error = 'every attempt ended without an outcome'
WHERE target_id = %(target)s AND status = 'waiting' AND due_at <= clock_timestamp()
    AND attempts >= %(most)s
"""
_CLAIMED = """
UPDATE alert_notices SET attempts = attempts + 1,
    due_at = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE id IN (
    SELECT id FROM alert_notices
    WHERE target_id = %(target)s AND status = 'waiting' AND due_at <= clock_timestamp()
    ORDER BY id LIMIT %(limit)s)
RETURNING id, topic, text, attempts
"""
_SENT = """
UPDATE alert_notices n SET status = 'sent', sent_at = clock_timestamp(), error = NULL
FROM unnest(%(ids)s::bigint[], %(attempts)s::integer[]) AS mine (id, attempts)
WHERE n.id = mine.id AND n.attempts = mine.attempts AND n.status = 'waiting'
"""
_FAILED = """
UPDATE alert_notices n SET error = %(error)s,
    due_at = clock_timestamp() + make_interval(secs => mine.pause),
    status = CASE WHEN n.attempts >= %(most)s THEN 'dead' ELSE 'waiting' END
FROM unnest(%(ids)s::bigint[], %(attempts)s::integer[], %(pauses)s::float8[])
    AS mine (id, attempts, pause)
WHERE n.id = mine.id AND n.attempts = mine.attempts AND n.status = 'waiting'
RETURNING n.status
"""


class _AddressRow(NamedTuple):
    id: int
    address: memoryview


class _NoticeRow(NamedTuple):
    id: int
    topic: str
    text: str
    attempts: int


class PostgresAlertOutbox:
    """Claims and records, each in a short transaction of its own; nothing is sent inside of one."""

    def __init__(self, engine: Engine, *, pace_seconds: float, most_attempts: int) -> None:
        self._engine = engine
        self._pace_seconds = pace_seconds
        self._most_attempts = most_attempts

    def claim(self) -> NoticeClaim | None:
        """Claim all due notices of the target that has waited longest; None where there are none."""
        with self._engine.begin() as connection:
            found = named(connection.exec_driver_sql(_NEXT_TARGET), _AddressRow)
            if not found:
                return None
            [(target, address)] = found
            given_up = self._given_up(connection, target)
            rows = self._claimed(connection, target)
        notices = tuple(
            ClaimedNotice(row.id, Topic(row.topic), row.text, row.attempts) for row in sorted(rows)
        )
        return NoticeClaim(bytes(address), notices, given_up)

    def _given_up(self, connection: Connection, target: int) -> int:
        limits = {"target": target, "most": self._most_attempts}
        return connection.exec_driver_sql(_GIVE_UP, limits).rowcount

    def _claimed(self, connection: Connection, target: int) -> list[_NoticeRow]:
        mine = {"target": target}
        connection.exec_driver_sql(_PACE, mine | {"pace": self._pace_seconds})
        limits = {"lease": LEASE_SECONDS, "limit": _CLAIM}
        return named(connection.exec_driver_sql(_CLAIMED, mine | limits), _NoticeRow)

    def sent(self, claim: NoticeClaim) -> None:
        """Record that the notices of a claim were sent."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_SENT, _keys(claim))

    def failed(self, claim: NoticeClaim, error: str) -> int:
        """Record a failed attempt, and return how many notices are given up after it."""
        parameters = {
            **_keys(claim),
            "pauses": array(retry_pause(each.attempts).total_seconds() for each in claim.notices),
            "error": error,
            "most": self._most_attempts,
        }
        with self._engine.begin() as connection:
            statuses = connection.exec_driver_sql(_FAILED, parameters).scalars().all()
        return statuses.count("dead")


def _keys(claim: NoticeClaim) -> dict[str, str]:
    return {
        "ids": array(each.id for each in claim.notices),
        "attempts": array(each.attempts for each in claim.notices),
    }
