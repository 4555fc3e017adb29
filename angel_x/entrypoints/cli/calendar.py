"""The exchange's calendar: sessions, holidays and provisional days."""

from __future__ import annotations

import os
from datetime import datetime

import click
from rich.table import Table

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.market_tables import market_tables
from angel_x.domain.calendar.session import (
    IST,
    CalendarDay,
    CalendarYear,
    SessionTable,
    TradingCalendar,
)
from angel_x.entrypoints.cli.numbers import Whole
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.presentation.printing import print_json, show, table
from config.loading import load

_DAYS = click.DateTime(["%Y-%m-%d"])
_LAST_YEAR = 2199


@click.command()
@click.argument("day", type=_DAYS, required=False)
@click.option(
    "--year",
    type=Whole(2000, _LAST_YEAR),
    help="Show the days of a year that are no regular sessions; with --json, every day.",
)
@as_json
def calendar(day: datetime | None, year: int | None, *, as_json: bool) -> None:
    """Show whether a session is held on a day, by default today in India.

    A day beyond the last published list of holidays is provisional.  The tables of
    ANGEL_X_MARKET_TABLES replace the shipped ones; no running system is needed.  Exits with 1 for a
    day before the first list.
    """
    if day is not None and year is not None:
        raise click.UsageError("a day and --year exclude each other")
    tables = market_tables(load(os.environ))
    known = TradingCalendar(tables.rule(SessionTable.parse, "sessions"))
    if year is not None:
        _show_year(known, year, as_json=as_json)
        return
    found = known.day(day.date() if day else wall_clock().astimezone(IST).date())
    if as_json:
        print_json(found)
    else:
        show(_line(found))


def _show_year(known: TradingCalendar, year: int, *, as_json: bool) -> None:
    found = known.year(year)
    if as_json:
        print_json(found)
        return
    show(_year_table(found))
    if found.days[-1].provisional:
        show(f"Provisional: lists are published until {found.published_until}.")


def _year_table(found: CalendarYear) -> Table:
    """Return the days of a year that are neither regular sessions nor plain weekends."""
    rows = [
        (f"{d.date}", f"{d.date:%A}", _hours(d), d.reason)
        for d in found.days
        if d.reason is not None and (d.open or d.reason != "weekend")
    ]
    return table(f"Calendar of {found.year}", ("day", "", "session (IST)", "reason"), rows)


def _line(day: CalendarDay) -> str:
    reason = "" if day.reason is None else f", {day.reason}"
    mark = " (provisional: the list of this year is not published)" if day.provisional else ""
    return f"{day.date:%Y-%m-%d %A}: {_hours(day)}{reason}{mark}"


def _hours(day: CalendarDay) -> str:
    if day.opens_at is None or day.closes_at is None:
        return "closed"
    return f"open {day.opens_at:%H:%M} to {day.closes_at:%H:%M} IST"
