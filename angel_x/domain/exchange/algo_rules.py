"""The regulator's rules of algorithmic orders of retail clients, by date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from angel_x.domain.values.dated import Dated


@dataclass(frozen=True, slots=True)
class AlgoRule:
    """The rule of a day."""

    #: Orders a second of one client without a registered algo; None where there is no limit.
    orders_per_second: int | None
    #: Whether requests have to come from an address that is registered for the API key.
    needs_static_address: bool
    #: Whether every session at the broker ends once a day.
    ends_sessions_daily: bool


def algo_rules(table: Mapping[str, Any]) -> Dated[AlgoRule]:
    """Return the rules of the parsed ``algo_rules`` table."""
    return Dated(
        (
            date.fromisoformat(row["from"]),
            AlgoRule(row["orders_per_second"] or None, row["static_address"], row["daily_logout"]),
        )
        for row in table["rules"]
    )
