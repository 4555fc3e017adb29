"""Angel-X: an options book as a distributed task-queue system."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from angel_x.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> object:
    # Workers import this package too, and have no use for an HTTP client.
    if name in __all__:
        from angel_x import client  # noqa: PLC0415

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
