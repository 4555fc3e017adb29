"""Encryption of texts at rest in the database (Fernet: AES-128-CBC and HMAC).

The key is a setting, so neither a backup nor a replica of the database is enough to read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.errors import AlertsOff

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

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


def new_key() -> str:
    """Return a new random key."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 - needed by few processes

    return Fernet.generate_key().decode()
