"""The stops of accounts, with the largest profit that a trailing stop follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.rows import read
from angel_x.domain.book.portfolio_stop import PortfolioStop, StopKind, StopLevels

if TYPE_CHECKING:
    from sqlalchemy import Engine

_ALL = """
SELECT user_id, stop_loss, trailing_stop, take_profit, armed_at, base, result, peak, breached,
    breached_at, enforced
FROM portfolio_stops
"""
_OF = f"{_ALL} WHERE user_id = %(user_id)s"
# A marking that began before another one breached the stop must not take the breach back.
_SAVE = """
WITH saved AS (
    INSERT INTO portfolio_stops AS s (user_id, stop_loss, trailing_stop, take_profit, armed_at, base,
        result, peak, breached, breached_at)
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(losses)s::numeric[], %(trailings)s::numeric[], %(profits)s::numeric[],
        %(armed)s::timestamptz[], %(bases)s::numeric[], %(results)s::numeric[], %(peaks)s::numeric[],
        %(breaches)s::text[], %(breached_at)s::timestamptz[])
    ON CONFLICT (user_id) DO UPDATE SET
        stop_loss = excluded.stop_loss, trailing_stop = excluded.trailing_stop,
        take_profit = excluded.take_profit,
        armed_at = excluded.armed_at, base = excluded.base, result = excluded.result,
        peak = CASE WHEN s.armed_at = excluded.armed_at THEN greatest(s.peak, excluded.peak)
            ELSE excluded.peak END,
        breached = excluded.breached, breached_at = excluded.breached_at, enforced = false
    WHERE s.breached IS NULL OR s.armed_at < excluded.armed_at
    RETURNING *
), removed AS (
    DELETE FROM portfolio_stops WHERE user_id = ANY(%(removed)s::bigint[]) RETURNING *
), audited AS (
    INSERT INTO audit_entries (actor, action, subject, detail)
    SELECT 'portfolio stop', CASE WHEN breached IS NULL THEN 'portfolio_stop.armed'
        ELSE 'portfolio_stop.breached' END, 'user:' || user_id, jsonb_strip_nulls(jsonb_build_object(
        'stop_loss', stop_loss::text, 'trailing_stop', trailing_stop::text, 'take_profit', take_profit::text,
        'stop', breached, 'result', result::text, 'peak', peak::text, 'base', base::text))
    FROM saved WHERE breached IS NOT NULL OR NOT EXISTS (
        SELECT FROM portfolio_stops b WHERE b.user_id = saved.user_id AND b.armed_at = saved.armed_at)
    UNION ALL
    SELECT 'portfolio stop', 'portfolio_stop.ended', 'user:' || user_id, '{}'::jsonb FROM removed
)
SELECT user_id FROM saved UNION ALL SELECT user_id FROM removed
"""
_ENFORCED = """
UPDATE portfolio_stops SET enforced = true
WHERE user_id = %(user_id)s AND armed_at = %(armed_at)s AND breached IS NOT NULL
"""


class _Row(NamedTuple):
    user_id: int
    stop_loss: Decimal | None
    trailing_stop: Decimal | None
    take_profit: Decimal | None
    armed_at: datetime
    base: Decimal
    result: Decimal
    peak: Decimal
    breached: str | None
    breached_at: datetime | None
    enforced: bool


class PostgresPortfolioStops:
    """The table ``portfolio_stops``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> dict[int, PortfolioStop]:
        return {row.user_id: _stop(row) for row in read(self._engine, _ALL, _Row)}

    def of(self, user_id: int) -> PortfolioStop | None:
        """Return the stop of an account, None where none is armed."""
        rows = read(self._engine, _OF, _Row, {"user_id": user_id})
        return _stop(rows[0]) if rows else None

    def save(self, stops: Mapping[int, PortfolioStop | None]) -> set[int]:
        kept = {user_id: stop for user_id, stop in stops.items() if stop is not None}
        with self._engine.begin() as connection:
            saved = connection.exec_driver_sql(
                _SAVE, {**_columns(kept), "removed": array(stops.keys() - kept.keys())}
            )
            return set(saved.scalars())

    def mark_enforced(self, user_id: int, stop: PortfolioStop) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_ENFORCED, {"user_id": user_id, "armed_at": stop.armed_at})


def _columns(stops: Mapping[int, PortfolioStop]) -> dict[str, object]:
    found = stops.values()
    return {
        "ids": array(stops),
        "losses": array(s.levels.loss for s in found),
        "trailings": array(s.levels.trailing for s in found),
        "profits": array(s.levels.profit for s in found),
        "armed": array(s.armed_at for s in found),
        "bases": array(s.base for s in found),
        "results": array(s.result for s in found),
        "peaks": array(s.peak for s in found),
        "breaches": array(s.breached for s in found),
        "breached_at": array(s.breached_at for s in found),
    }


def _stop(row: _Row) -> PortfolioStop:
    return PortfolioStop(
        levels=StopLevels(loss=row.stop_loss, trailing=row.trailing_stop, profit=row.take_profit),
        armed_at=row.armed_at,
        base=row.base,
        result=row.result,
        peak=row.peak,
        breached=None if row.breached is None else StopKind(row.breached),
        breached_at=row.breached_at,
        is_enforced=row.enforced,
    )
