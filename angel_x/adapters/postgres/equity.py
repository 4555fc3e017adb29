"""The equity curve of an account: a page is one statement on the index of its snapshots."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from angel_x.domain.records.equity import EquityPoint

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Engine, TextClause

    from angel_x.domain.records.statement import Period

_CONDITIONS = {
    "since": "AND s.taken_at >= :since",
    "until": "AND s.taken_at < :until",
    "after": "AND s.taken_at < :after",
}


class _Row(NamedTuple):
    taken_at: datetime
    equity: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    margin_used: Decimal


def _page(conditions: Collection[str]) -> TextClause:
    """Return the statement of a page under conditions."""
    places = " ".join(_CONDITIONS[name] for name in conditions)
    return text(
        f"SELECT {', '.join(f's.{name}' for name in _Row._fields)} FROM portfolio_snapshots s "
        f"WHERE s.user_id = :user_id {places} ORDER BY s.taken_at DESC LIMIT :limit"
    )


#: The pages under each condition alone, and under none.
PAGES = {
    "equity": _page([]),
    **{f"equity_by_{name}": _page([name]) for name in _CONDITIONS},
}


class PostgresEquity:
    """Reads snapshots of portfolios."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def points(
        self, user_id: int, period: Period, after: datetime | None, limit: int
    ) -> list[EquityPoint]:
        """Return the points of a period that are older than ``after``, newest first."""
        given = {"since": period.since, "until": period.until, "after": after}
        known = {name: value for name, value in given.items() if value is not None}
        with self._engine.connect() as connection:
            found = connection.execute(
                _page(known), {"user_id": user_id, "limit": limit, **known}
            ).all()
        return [
            EquityPoint(
                at=row.taken_at,
                equity=row.equity,
                realised_pnl=row.realised_pnl,
                unrealised_pnl=row.unrealised_pnl,
                margin_used=row.margin_used,
            )
            for row in found
        ]
