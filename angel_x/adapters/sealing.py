"""Encryption of texts at rest (Fernet: AES-128-CBC and HMAC).

The key is a setting or made of settings, so neither a backup nor a replica of a store is enough to read them.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from angel_x.errors import AlertsOff

if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet

_REMEDY = "alerts are off: set ANGEL_X_ALERTS_KEY to a key that `angel-x alerts key` prints"


class Seal:
    """Seals with the newest key, and opens with any of the keys."""

    def __init__(self, keys: str | None) -> None:
        self._keys = keys

    def seal(self, text: str) -> bytes:
        """Return the text encrypted.

        Raises:
            AlertsOff: There is no key.
        """
        return self._fernet().encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Return the text of sealed bytes.

        Raises:
            AlertsOff: There is no key, or none of the keys has sealed them.
        """
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - needed by few processes

        try:
            return self._fernet().decrypt(sealed).decode()
        except InvalidToken:
            raise AlertsOff("no key of ANGEL_X_ALERTS_KEY opens this address") from None

    def _fernet(self) -> MultiFernet:
        if not self._keys:
            raise AlertsOff(_REMEDY)
        from cryptography.fernet import (  # noqa: PLC0415 - needed by few processes
            Fernet,
            MultiFernet,
        )

        return MultiFernet([Fernet(key) for key in self._keys.split(",")])


class SecretSeal:
    """Seals with a key made of secrets and a purpose (HKDF, SHA-256): holders of all of them open it.

    At least one of the secrets has to be random, of 112 bits or more: the derivation is fast.
    """

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        self._secrets = tuple(secrets)
        self._purpose = purpose

    def seal(self, text: str) -> bytes:
        """Return the text encrypted."""
        return self._fernet().encrypt(text.encode())

    def open(self, sealed: bytes) -> str | None:
        """Return the text of sealed bytes; None where they are spoiled, or of other secrets or purposes."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - needed by few processes

        try:
            return self._fernet().decrypt(sealed).decode()
        except InvalidToken:
            return None

    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet  # noqa: PLC0415 - needed by few processes
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - as above

        derivation = HKDF(SHA256(), length=32, salt=None, info=self._purpose.encode())
        return Fernet(urlsafe_b64encode(derivation.derive("\0".join(self._secrets).encode())))


def new_key() -> str:
    """Return a new random key."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 - needed by few processes

    return Fernet.generate_key().decode()
