"""The limits of requests to the broker: a market table, as it is in force today."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from angel_x.adapters.angel_one.calls import Rate
from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.request_budget import Windows, windows_of
from angel_x.domain.values.dated import Dated
from config.market.tables import MarketTables

#: Returns the limits of the requests that are counted together, as they are now.
Limits = Callable[[Rate], Windows]


def broker_limits(table: Mapping[str, Any]) -> dict[Rate, Dated[Windows]]:
    """Return the limits of the parsed ``broker_limits`` table."""
    return {rate: _dated(table["limits"][rate]) for rate in Rate}


def limits_in_force(tables: MarketTables, now: Callable[[], datetime]) -> Limits:
    """Return the limits of the day in India, which follow their table."""
    rule = tables.rule(broker_limits, "broker_limits")
    return lambda rate: rule()[rate].on(now().astimezone(IST).date())


def _dated(rows: list[dict[str, Any]]) -> Dated[Windows]:
    return Dated(
        (
            datetime.fromisoformat(row["from"]).date(),
            windows_of(row["second"], row.get("minute", 0), row.get("hour", 0)),
        )
        for row in rows
    )
