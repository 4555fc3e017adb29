"""Listings written by hand: one line a day, one column a name, a dash where no rule is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

from angel_x.errors import InvalidInput
from config.market import table

#: Every table of ``config/market``.
TABLES = (
    "algo_rules",
    "broker_limits",
    "charges",
    "contracts",
    "intraday",
    "margin",
    "price_bands",
    "rates",
    "sessions",
    "volatility",
)

NOTHING = "-"


def listing(text: str) -> dict[date, dict[str, str]]:
    """Return the cells of a listing by day and by the name at the head of their column."""
    head, *lines = (line.split() for line in text.strip().splitlines())
    return {
        date.fromisoformat(day): dict(zip(head[1:], cells, strict=True)) for day, *cells in lines
    }


def shown(rule: Callable[[date], object], day: date) -> str:
    """Return the rule of a day as a listing has it."""
    try:
        return str(rule(day))
    except (LookupError, InvalidInput):
        return NOTHING


def first_days(rows: Iterable[dict[str, Any]]) -> list[date]:
    """Return the days on which dated rows begin, in the order in which they are written."""
    return [date.fromisoformat(row["from"]) for row in rows]


def dated_rows(content: object) -> Iterator[list[dict[str, Any]]]:
    """Yield every list of dated rows of a table."""
    if isinstance(content, dict):
        for part in content.values():
            yield from dated_rows(part)
    elif isinstance(content, list):
        if any("from" in row for row in content if isinstance(row, dict)):
            yield content
        for part in content:
            yield from dated_rows(part)


def rows_of(name: str) -> list[list[dict[str, Any]]]:
    """Return every list of dated rows of the table of that name."""
    return list(dated_rows(table(name)))
