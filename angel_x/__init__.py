"""Angel-X: an options book as a distributed task-queue system."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from angel_x.client import Client

__all__ = ["Client"]


def __getattr__(name: str) -> object:
    # Workers import this package too, and have no use for an HTTP client.
    if name == "Client":
        from angel_x.client import Client  # noqa: PLC0415

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
