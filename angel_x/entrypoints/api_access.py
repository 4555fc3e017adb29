"""The API as processes of the system that are its clients reach it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from angel_x.client import Client

if TYPE_CHECKING:
    from config.settings import Settings

#: A person waits no longer for an answer.
_TIMEOUT_SECONDS = 5.0


def api_address(settings: Settings) -> str:
    """Return the address of the API."""
    return settings.api_url or f"http://127.0.0.1:{settings.api_port}"


def client_of(api_url: str) -> Callable[[str], Client]:
    """Return the maker of clients that do not wait long, and repeat nothing by themselves."""

    def connect(key: str) -> Client:
        return Client(api_url, key, timeout_seconds=_TIMEOUT_SECONDS, retries=0)

    return connect
