"""The people who may send commands by Telegram, and the last update of a bot that was taken."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.rows import named, read
from angel_x.domain.records.access import parse_scopes
from angel_x.domain.records.telegram_person import TelegramPerson

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

#: Telegram keeps an update for a day, and after a week without one the ids begin anew at random
#: (https://core.telegram.org/bots/api#update): an older cursor guards against nothing, and could lie
#: above the new ids.
_CURSOR_LIFE = "interval '2 days'"

_AUDIT = """
INSERT INTO audit_entries (actor, action, subject, detail)
VALUES (%(actor)s, %(action)s, %(subject)s, %(detail)s::jsonb)
"""
_FORMER = (
    "SELECT user_id, key_prefix FROM telegram_people WHERE person_id = %(person_id)s FOR UPDATE"
)
_PUT = """
INSERT INTO telegram_people (person_id, user_id, key_prefix, api_key)
VALUES (%(person_id)s, %(user_id)s, %(key_prefix)s, %(api_key)s)
ON CONFLICT (person_id) DO UPDATE SET user_id = excluded.user_id,
    key_prefix = excluded.key_prefix, api_key = excluded.api_key, created_at = excluded.created_at
"""
_REMOVE = """
DELETE FROM telegram_people WHERE person_id = %(person_id)s RETURNING user_id, key_prefix
"""
_ALL = """
SELECT p.person_id, u.name AS user, p.key_prefix, k.scopes,
    k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), true) AS is_valid,
    p.created_at
FROM telegram_people p JOIN users u ON u.id = p.user_id JOIN api_keys k ON k.prefix = p.key_prefix
ORDER BY p.person_id
"""
_KEY = "SELECT api_key FROM telegram_people WHERE person_id = %(person_id)s"
_OFFSET = f"""
SELECT update_id + 1 AS next_id FROM telegram_cursors
WHERE bot_id = %(bot_id)s AND moved_at > clock_timestamp() - {_CURSOR_LIFE}
"""
_ADVANCE = f"""
INSERT INTO telegram_cursors AS c (bot_id, update_id) VALUES (%(bot_id)s, %(update_id)s)
ON CONFLICT (bot_id) DO UPDATE SET update_id = excluded.update_id, moved_at = clock_timestamp()
WHERE c.update_id < excluded.update_id OR c.moved_at <= clock_timestamp() - {_CURSOR_LIFE}
"""


class _Holder(NamedTuple):
    user_id: int
    key_prefix: str


class _PersonRow(NamedTuple):
    person_id: int
    user: str
    key_prefix: str
    scopes: list[str]
    is_valid: bool
    created_at: datetime


class _KeyRow(NamedTuple):
    api_key: memoryview


class _OffsetRow(NamedTuple):
    next_id: int


class PostgresTelegramPeople:
    """The table ``telegram_people``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(
        self, person_id: int, user_id: int, key_prefix: str, api_key: bytes, actor: str
    ) -> str | None:
        """Store a person, or replace the account; return the prefix of the former key."""
        row = {
            "person_id": person_id,
            "user_id": user_id,
            "key_prefix": key_prefix,
            "api_key": api_key,
        }
        with self._engine.begin() as connection:
            former = named(connection.exec_driver_sql(_FORMER, {"person_id": person_id}), _Holder)
            connection.exec_driver_sql(_PUT, row)
            for each in former:
                _note(connection, actor, "telegram.forgotten", person_id, each)
            _note(connection, actor, "telegram.allowed", person_id, _Holder(user_id, key_prefix))
        return former[0].key_prefix if former else None

    def remove(self, person_id: int, actor: str) -> str | None:
        """Remove a person; return the prefix of the key, None where the person is not listed."""
        with self._engine.begin() as connection:
            found = named(connection.exec_driver_sql(_REMOVE, {"person_id": person_id}), _Holder)
            for each in found:
                _note(connection, actor, "telegram.forgotten", person_id, each)
        return found[0].key_prefix if found else None

    def all(self) -> list[TelegramPerson]:
        """Return every person by id."""
        return [
            TelegramPerson(
                person_id=row.person_id,
                user=row.user,
                key_prefix=row.key_prefix,
                scopes=parse_scopes(row.scopes),
                is_valid=row.is_valid,
                created_at=row.created_at,
            )
            for row in read(self._engine, _ALL, _PersonRow)
        ]

    def sealed_key(self, person_id: int) -> bytes | None:
        """Return the encrypted key of a person, None where the person is not listed."""
        rows = read(self._engine, _KEY, _KeyRow, {"person_id": person_id})
        return bytes(rows[0].api_key) if rows else None


class PostgresTelegramCursor:
    """The row of one bot in ``telegram_cursors``."""

    def __init__(self, engine: Engine, bot_id: int) -> None:
        self._engine = engine
        self._bot_id = bot_id

    def next_id(self) -> int | None:
        """Return the id behind the last update that was taken, None where none is known."""
        rows = read(self._engine, _OFFSET, _OffsetRow, {"bot_id": self._bot_id})
        return rows[0].next_id if rows else None

    def take(self, update_id: int) -> bool:
        """Take an update before it is carried out; a second call, of any process, returns False."""
        row = {"bot_id": self._bot_id, "update_id": update_id}
        with self._engine.begin() as connection:
            return bool(connection.exec_driver_sql(_ADVANCE, row).rowcount)


def _note(connection: Connection, actor: str, action: str, person_id: int, holder: _Holder) -> None:
    detail = {"person_id": person_id, "key_prefix": holder.key_prefix}
    row = {
        "actor": actor,
        "action": action,
        "subject": f"user:{holder.user_id}",
        "detail": json.dumps(detail),
    }
    connection.exec_driver_sql(_AUDIT, row)
