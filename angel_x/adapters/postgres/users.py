"""Accounts and their API keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import text

from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.records.access import KeyRecord, Scope
from angel_x.domain.records.statement import AccountSummary

if TYPE_CHECKING:
    from sqlalchemy import Engine, TextClause

_COLUMNS = "id, name, cash, margin_used, realised_pnl, created_at"

# The deposit's two entries sum to zero, like every other event's.
_OPEN = text(f"""
WITH opened AS (
    INSERT INTO users (name, cash) VALUES (:name, :cash)
    ON CONFLICT (name) DO NOTHING
    RETURNING {_COLUMNS}
), deposited AS (
    INSERT INTO ledger_entries (user_id, account, amount)
    SELECT id, entry.account, entry.amount
    FROM opened, (
        VALUES ('{LedgerAccount.CASH}', CAST(:cash AS numeric)),
            ('{LedgerAccount.DEPOSIT}', -CAST(:cash AS numeric)))
        AS entry (account, amount)
    WHERE entry.amount <> 0
)
SELECT {_COLUMNS} FROM opened
""")

_NAMED = text(f"SELECT {_COLUMNS} FROM users WHERE name = :name")
_ALL = text(f"SELECT {_COLUMNS} FROM users ORDER BY id")
_NAMES = text("SELECT id, name FROM users WHERE id = ANY(:ids)")

_KEY_COLUMNS = """prefix, user_id, digest, scopes, created_at, revoked_at, expires_at,
    coalesce(expires_at <= clock_timestamp(), false) AS has_expired"""
_KEY = text(f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE prefix = :prefix")
_KEYS = text(f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE prefix = ANY(:prefixes)")
_KEYS_OF = text(f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE user_id = :user_id ORDER BY id")
_ADD_KEY = text("""
INSERT INTO api_keys (user_id, prefix, digest, scopes, expires_at)
VALUES (:user_id, :prefix, :digest, CAST(:scopes AS text[]), clock_timestamp() + CAST(:lifetime AS interval))
""")
# The old key is locked first, so it cannot be revoked between the two.
_REPLACE = text(f"""
WITH old AS (
    UPDATE api_keys
    SET expires_at = least(coalesce(expires_at, 'infinity'), clock_timestamp() + CAST(:overlap AS interval))
    WHERE prefix = :old AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > clock_timestamp())
    RETURNING {_KEY_COLUMNS}
), new AS (
    INSERT INTO api_keys (user_id, prefix, digest, scopes, expires_at)
    SELECT user_id, :prefix, :digest, scopes, clock_timestamp() + CAST(:lifetime AS interval) FROM old
)
SELECT * FROM old
""")
_REVOKE = text("""
UPDATE api_keys SET revoked_at = clock_timestamp() WHERE prefix = :prefix AND revoked_at IS NULL
""")


class PostgresUsers:
    """The tables ``users`` and ``api_keys``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, name: str, cash: Decimal) -> AccountSummary | None:
        with self._engine.begin() as connection:
            row = connection.execute(_OPEN, {"name": name, "cash": cash}).mappings().one_or_none()
        return None if row is None else msgspec.convert(dict(row), AccountSummary)

    def named(self, name: str) -> AccountSummary | None:
        with self._engine.connect() as connection:
            row = connection.execute(_NAMED, {"name": name}).mappings().one_or_none()
        return None if row is None else msgspec.convert(dict(row), AccountSummary)

    def all(self) -> list[AccountSummary]:
        with self._engine.connect() as connection:
            rows = connection.execute(_ALL).mappings().all()
        return msgspec.convert([dict(row) for row in rows], list[AccountSummary])

    def names(self, ids: Collection[int]) -> dict[int, str]:
        with self._engine.connect() as connection:
            rows = connection.execute(_NAMES, {"ids": list(ids)}).all()
        return {row.id: row.name for row in rows}

    def add_key(
        self,
        user_id: int,
        prefix: str,
        digest: bytes,
        scopes: Iterable[Scope],
        lifetime: timedelta | None = None,
    ) -> None:
        parameters = {
            "user_id": user_id,
            "prefix": prefix,
            "digest": digest,
            "scopes": [scope.value for scope in scopes],
            "lifetime": lifetime,
        }
        with self._engine.begin() as connection:
            connection.execute(_ADD_KEY, parameters)

    def replace_key(
        self,
        old: str,
        prefix: str,
        digest: bytes,
        *,
        overlap: timedelta,
        lifetime: timedelta | None,
    ) -> KeyRecord | None:
        parameters = {
            "old": old,
            "prefix": prefix,
            "digest": digest,
            "overlap": overlap,
            "lifetime": lifetime,
        }
        with self._engine.begin() as connection:
            row = connection.execute(_REPLACE, parameters).mappings().one_or_none()
        return None if row is None else _key_record(dict(row))

    def key(self, prefix: str) -> KeyRecord | None:
        with self._engine.connect() as connection:
            row = connection.execute(_KEY, {"prefix": prefix}).mappings().one_or_none()
        return None if row is None else _key_record(dict(row))

    def keys(self, prefixes: Collection[str]) -> list[KeyRecord]:
        return self._key_records(_KEYS, {"prefixes": list(prefixes)})

    def keys_of(self, user_id: int) -> list[KeyRecord]:
        return self._key_records(_KEYS_OF, {"user_id": user_id})

    def revoke_key(self, prefix: str) -> bool:
        """Revoke a valid key; False where there is none."""
        with self._engine.begin() as connection:
            return connection.execute(_REVOKE, {"prefix": prefix}).rowcount > 0

    def _key_records(self, statement: TextClause, parameters: dict[str, object]) -> list[KeyRecord]:
        with self._engine.connect() as connection:
            rows = connection.execute(statement, parameters).mappings().all()
        return [_key_record(dict(row)) for row in rows]


def _key_record(row: dict[str, object]) -> KeyRecord:
    digest = row["digest"]
    assert isinstance(digest, memoryview)
    return msgspec.convert(row | {"digest": bytes(digest)}, KeyRecord)
