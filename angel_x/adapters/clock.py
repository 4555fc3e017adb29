"""The wall clock: the one place that asks the operating system what time it is."""

from __future__ import annotations

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return the current time, UTC."""
    return datetime.now(UTC)  # noqa: TID251 - everybody else is handed this function
