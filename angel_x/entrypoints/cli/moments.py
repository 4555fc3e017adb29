"""Moments as arguments and options."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from angel_x.domain.calendar.session import IST


class Moment(click.ParamType[datetime]):
    """A time; without an offset it is one in India."""

    name = "moment"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the time in UTC, or refuse the text."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
            aware = found if found.tzinfo else found.replace(tzinfo=IST)
            return aware.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"must be a time such as 2026-08-19T11:30, was {value!r}", param, ctx)


MOMENT = Moment()
