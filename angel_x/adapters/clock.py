"""The wall clock: the only code that reads the time of the operating system."""

from __future__ import annotations

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return the current time, UTC."""
    return datetime.now(UTC)  # noqa: TID251 - other code gets this function as a Clock
