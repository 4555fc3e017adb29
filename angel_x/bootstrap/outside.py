"""Addresses of servers outside of the system."""

from __future__ import annotations

from urllib.parse import urlsplit

from config.settings import THIS_MACHINE, SettingsError


def checked_address(variable: str, url: str, encrypted: str, plain: str) -> str:
    """Return an address that is encrypted, or on this machine.

    Raises:
        SettingsError: It is neither.
    """
    parts = urlsplit(url)
    is_here = parts.scheme == plain and parts.hostname in THIS_MACHINE
    if not is_here and (parts.scheme != encrypted or not parts.hostname):
        raise SettingsError(
            f"{variable}: expected {encrypted}, or {plain} to this machine, "
            f"was {parts.scheme}://{parts.hostname}"
        )
    return url
