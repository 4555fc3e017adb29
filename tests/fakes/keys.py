"""API keys in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from angel_x.domain.records.access import KeyRecord, Scope

NOW = datetime(2026, 8, 19, tzinfo=UTC)


class MemoryKeys:
    """Keys by prefix, and how often one was read."""

    def __init__(self) -> None:
        self.records: dict[str, KeyRecord] = {}
        self.reads = 0
        self.on_read: Callable[[], None] = lambda: None

    def add_key(
        self,
        user_id: int,
        prefix: str,
        digest: bytes,
        scopes: Iterable[Scope],
        lifetime: timedelta | None = None,
    ) -> None:
        expires_at = None if lifetime is None else NOW + lifetime
        self.records[prefix] = KeyRecord(
            prefix, user_id, digest, tuple(scopes), NOW, expires_at=expires_at
        )

    def replace_key(
        self,
        old: str,
        prefix: str,
        digest: bytes,
        *,
        overlap: timedelta,
        lifetime: timedelta | None,
    ) -> KeyRecord | None:
        record = self.records.get(old)
        if record is None or record.revoked_at is not None:
            return None
        self.add_key(record.user_id, prefix, digest, record.scopes, lifetime)
        self.records[old] = replace(record, expires_at=NOW + overlap)
        return self.records[old]

    def key(self, prefix: str) -> KeyRecord | None:
        self.reads += 1
        self.on_read()
        return self.records.get(prefix)

    def keys(self, prefixes: Collection[str]) -> list[KeyRecord]:
        self.reads += 1
        self.on_read()
        return [self.records[prefix] for prefix in prefixes if prefix in self.records]

    def keys_of(self, user_id: int) -> list[KeyRecord]:
        return [record for record in self.records.values() if record.user_id == user_id]

    def revoke_key(self, prefix: str) -> bool:
        record = self.records.get(prefix)
        if record is None or record.revoked_at is not None:
            return False
        self.records[prefix] = replace(record, revoked_at=NOW)
        return True
