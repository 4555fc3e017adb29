"""Daily volatilities of underlyings by date, which scan ranges follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from angel_x.domain.values.dated import Dated

#: Of a volatility that is too old.
STALE = float("nan")


class _Row(NamedTuple):
    since: date
    #: Standard deviation of a day's returns, as a fraction.
    volatility: float


@dataclass(frozen=True, slots=True)
class DailyVolatilities:
    """The volatilities that the exchange publishes every evening for the next trading day."""

    rows: Mapping[str, Dated[_Row]]
    #: An older row is stale.
    max_age_days: int

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> DailyVolatilities:
        """Build the volatilities from the parsed ``volatility`` table."""
        rows = {name: Dated(map(_dated, listed)) for name, listed in table["daily"].items()}
        return cls(rows, table["max_age_days"])

    def on(self, day: date) -> dict[str, float]:
        """Return the volatility of each underlying as a fraction, ``STALE`` where the last is too old.

        An underlying without a row that has come into force is absent.
        """
        found = {name: _latest(rows, day) for name, rows in self.rows.items()}
        return {name: self._fresh(row, day) for name, row in found.items() if row is not None}

    def _fresh(self, row: _Row, day: date) -> float:
        return row.volatility if (day - row.since).days <= self.max_age_days else STALE


def _dated(row: Mapping[str, str]) -> tuple[date, _Row]:
    since = date.fromisoformat(row["from"])
    return since, _Row(since, float(Decimal(row["percent"]) / 100))


def _latest(rows: Dated[_Row], day: date) -> _Row | None:
    try:
        return rows.on(day)
    except LookupError:
        return None
