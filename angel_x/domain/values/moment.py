"""Times that callers send."""

from __future__ import annotations

from datetime import UTC, datetime

from angel_x.errors import InvalidInput


def in_utc(moment: datetime) -> datetime:
    """Return the same time in UTC; a time without a zone is taken as UTC.

    Raises:
        InvalidInput: In UTC it is before the year 1 or after 9999.
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(
            f"a time must fall in the years 1 to 9999 in UTC, was {moment.isoformat()}",
            value=moment.isoformat(),
        ) from None
