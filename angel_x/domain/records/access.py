"""API keys: account and scopes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """Permission of a key; trade and admin include read, and neither includes the other."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"

    def includes(self, other: Scope) -> bool:
        return other in {self, Scope.READ}


@dataclass(frozen=True, slots=True)
class Identity:
    """The account of a key, and its scopes."""

    user_id: int
    key_prefix: str
    scopes: frozenset[Scope]

    def allows(self, scope: Scope) -> bool:
        return any(own.includes(scope) for own in self.scopes)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The stored form of a key, from which the key cannot be recovered."""

    prefix: str
    user_id: int
    #: SHA-256 of the whole key.
    digest: bytes
    scopes: tuple[Scope, ...]
    created_at: datetime
    revoked_at: datetime | None = None
    #: None for a key that does not expire.
    expires_at: datetime | None = None
    #: Whether it had expired when it was read, on the clock of the database.
    has_expired: bool = False

    @property
    def identity(self) -> Identity:
        return Identity(self.user_id, self.prefix, frozenset(self.scopes))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """The account of a key by name, and the scopes of the key."""

    user: str
    user_id: int
    key_prefix: str
    scopes: tuple[Scope, ...]


def parse_scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    """Return the scopes of these names, each once, in their order.

    Raises:
        ValueError: A name is no scope.
    """
    wanted = {Scope(name) for name in names}
    return tuple(scope for scope in Scope if scope in wanted)
