"""API keys: issue, rotation, revocation and authentication.

An authenticated key is cached for two seconds, so a key that is revoked or expires is refused two
seconds later at the latest, in the process that revoked it at once; an open event stream ends before its
next line.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from hashlib import sha256
from time import monotonic
from typing import Protocol

import structlog

from angel_x.domain.records.access import Identity, KeyRecord, Scope
from angel_x.errors import AccessDenied, InvalidInput, KeyExpired

log = structlog.get_logger()

REMEMBERED_SECONDS = 2.0
_REMEMBERED_KEYS = 10_000
_PREFIX_BYTES = 6
_SECRET_BYTES = 32
_KEY = re.compile(r"ax_(?P<prefix>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})")
_REFUSAL = "this key is not valid"


class Keys(Protocol):
    """The store of keys."""

    def add_key(
        self,
        user_id: int,
        prefix: str,
        digest: bytes,
        scopes: Iterable[Scope],
        lifetime: timedelta | None = None,
    ) -> None:
        """Store a key that expires after ``lifetime``, or does not."""

    def replace_key(
        self,
        old: str,
        prefix: str,
        digest: bytes,
        *,
        overlap: timedelta,
        lifetime: timedelta | None,
    ) -> KeyRecord | None:
        """Store a key with account and scopes of another one, and let that one expire.

        Return the old key as it is now; None, and store nothing, where no valid key has the prefix.
        """

    def key(self, prefix: str) -> KeyRecord | None: ...
    def keys(self, prefixes: Collection[str]) -> list[KeyRecord]: ...
    def keys_of(self, user_id: int) -> list[KeyRecord]: ...
    def revoke_key(self, prefix: str) -> bool: ...


class Access:
    """Issues and authenticates keys."""

    def __init__(self, keys: Keys, *, timer: Callable[[], float] = monotonic) -> None:
        self._keys = keys
        self._timer = timer
        self._remembered: dict[bytes, tuple[Identity, float]] = {}
        #: Prefixes of keys that this process revoked, which a running read may still have found valid.
        self._revoked: set[str] = set()

    def issue(
        self, user_id: int, scopes: Iterable[Scope], lifetime: timedelta | None = None
    ) -> str:
        """Return a new key of 256 random bits.  Only its digest is stored, so it is shown once."""
        prefix, key = _drawn()
        self._keys.add_key(user_id, prefix, digest_of(key), scopes, lifetime)
        log.info("key.issued", user_id=user_id, key_prefix=prefix)
        return key

    def rotate(
        self, prefix: str, *, overlap: timedelta, lifetime: timedelta | None = None
    ) -> tuple[str, KeyRecord]:
        """Return a new key with the account and scopes of another, and that one as it is now.

        The old key expires after ``overlap``, unless it expires earlier.  A second call issues one
        more key, and lets the old one expire no later than the first call did.

        Raises:
            InvalidInput: No valid key has the prefix, or it expires and the new one would not.
        """
        known = self._keys.key(prefix)
        if known is not None and known.expires_at is not None and lifetime is None:
            raise InvalidInput(
                f"a key that expires is replaced by one that expires: name its days, "
                f"was a key that expires at {known.expires_at.isoformat(timespec='seconds')}"
            )
        new, key = _drawn()
        old = self._keys.replace_key(
            prefix, new, digest_of(key), overlap=overlap, lifetime=lifetime
        )
        if old is None:
            raise InvalidInput(f"the prefix must be that of a valid key, was {prefix}")
        log.info("key.rotated", user_id=old.user_id, key_prefix=new, old_prefix=prefix)
        return key, old

    def revoke(self, prefix: str) -> bool:
        """Revoke a key by its prefix; return False where no valid key has the prefix."""
        revoked = self._keys.revoke_key(prefix)
        if revoked:
            self._forget(prefix)
            log.info("key.revoked", key_prefix=prefix)
        return revoked

    def keys_of(self, user_id: int) -> list[KeyRecord]:
        return self._keys.keys_of(user_id)

    def remembered(self, key: str) -> Identity | None:
        """Return the identity of a key authenticated within the last two seconds, without I/O."""
        known = self._remembered.get(digest_of(key))
        return known[0] if known is not None and self._timer() < known[1] else None

    def authenticate(self, key: str) -> Identity:
        """Return the identity of a key.

        Raises:
            KeyExpired: The key has expired.
            AccessDenied: The key is malformed, unknown or revoked; the error does not tell which.
        """
        match = _KEY.fullmatch(key)
        if match is None:
            raise AccessDenied(_REFUSAL)
        # Counted from before the read, so that a key is never cached longer than two seconds.
        expires = self._timer() + REMEMBERED_SECONDS
        record = self._keys.key(match["prefix"])
        digest = digest_of(key)
        known = record.digest if record is not None else bytes(len(digest))
        if not hmac.compare_digest(known, digest) or record is None or record.revoked_at:
            raise AccessDenied(_REFUSAL)
        if record.has_expired:
            assert record.expires_at is not None
            raise KeyExpired(record.expires_at)
        self._remember(digest, record.identity, expires)
        return record.identity

    def renew(self, prefixes: Collection[str]) -> None:
        """Remember the valid keys of these prefixes for two more seconds, by one read."""
        expires = self._timer() + REMEMBERED_SECONDS
        for record in self._keys.keys(prefixes):
            if record.revoked_at is None and not record.has_expired:
                self._remember(record.digest, record.identity, expires)

    def _forget(self, prefix: str) -> None:
        self._revoked.add(prefix)
        kept = {d: known for d, known in self._remembered.items() if known[0].key_prefix != prefix}
        self._remembered = kept

    def _remember(self, digest: bytes, identity: Identity, expires: float) -> None:
        if len(self._remembered) >= _REMEMBERED_KEYS:
            self._remembered.clear()
        if identity.key_prefix not in self._revoked:
            self._remembered[digest] = (identity, expires)


def _drawn() -> tuple[str, str]:
    """Return a new prefix, and the key that it begins."""
    prefix = secrets.token_hex(_PREFIX_BYTES)
    return prefix, f"ax_{prefix}_{secrets.token_hex(_SECRET_BYTES)}"


def prefix_of(key: str) -> str | None:
    """Return the prefix of a key, None where it has not the form of one."""
    match = _KEY.fullmatch(key)
    return None if match is None else match["prefix"]


def digest_of(key: str) -> bytes:
    """Return the digest under which a key is stored and cached."""
    # The key is 256 random bits, so a slow hash would add no protection.
    return sha256(key.encode()).digest()
