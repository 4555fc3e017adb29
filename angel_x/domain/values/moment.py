"""Times as callers write them."""

from __future__ import annotations

from datetime import UTC, datetime

from angel_x.errors import InvalidInput


def in_utc(moment: datetime) -> datetime:
    """Return the same time in UTC, which a time without a zone is taken for.

    Raises:
        InvalidInput: It falls out of the years that there are.
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
