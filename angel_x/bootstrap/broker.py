"""The client of the trading broker."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from angel_x.adapters.angel_one.budget import Budget, LocalLedger
from angel_x.adapters.angel_one.client import AngelOne
from angel_x.adapters.angel_one.credentials import Credentials
from angel_x.adapters.angel_one.session import Session
from angel_x.adapters.angel_one.wire import Endpoint, Wire
from angel_x.adapters.clock import wall_clock
from config.settings import Settings, SettingsError

_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
_NEEDED = ("client_code", "api_key", "pin", "totp_secret")


def build_broker(settings: Settings) -> AngelOne:
    """Put the client together, without connecting.

    Raises:
        SettingsError: Credentials are missing, or the address would show them to others.
    """
    credentials = Credentials(*(settings.needed(f"angel_one_{name}") for name in _NEEDED))
    budget = Budget(LocalLedger(time.monotonic), sleep=time.sleep, monotonic=time.monotonic)
    wire = Wire(
        _endpoint(settings),
        client_code=credentials.client_code,
        api_key=credentials.api_key,
        budget=budget,
        sleep=time.sleep,
    )
    return AngelOne(wire, Session(wire, credentials, now=wall_clock))


def _endpoint(settings: Settings) -> Endpoint:
    source = settings.angel_one_source_address
    return Endpoint(
        url=_checked(settings.angel_one_url),
        timeout_seconds=settings.angel_one_timeout_seconds,
        source_address=source,
        public_address=settings.angel_one_public_address or source or "127.0.0.1",
        mac_address=settings.angel_one_mac_address,
    )


def _checked(url: str) -> str:
    parts = urlsplit(url)
    is_plain = parts.scheme == "http" and parts.hostname in _THIS_MACHINE
    if not is_plain and (parts.scheme != "https" or not parts.hostname):
        raise SettingsError(
            "ANGEL_X_ANGEL_ONE_URL: expected https, or http to this machine, "
            f"was {parts.scheme}://{parts.hostname}"
        )
    return url
