"""Accounts with their open positions as columns, and the portfolios valued from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from sqlalchemy import Row, text

from angel_x.adapters.postgres.arrays import array
from angel_x.domain.book.account import Account
from angel_x.domain.portfolios.valuation import PositionColumns

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from angel_x.domain.portfolios.portfolio import Portfolio

_READ = text("""
    SELECT u.id, u.cash, u.collateral, u.margin_used, u.realised_pnl, p.symbols, p.quantities, p.costs
    FROM users u
    CROSS JOIN LATERAL (
        SELECT array_agg(symbol) AS symbols, array_agg(quantity) AS quantities,
               array_agg((cost * 100)::bigint) AS costs
        FROM positions WHERE user_id = u.id AND status = 'OPEN'
    ) p
    WHERE u.id = ANY(CAST(:user_ids AS bigint[]))
    ORDER BY u.id
""")

# By account: open positions are twenty times as many, and most accounts are not asked for.
_HOLDERS = text("""
    SELECT id FROM users u WHERE (u.id % :turns = :turn OR u.id = ANY(CAST(:watched AS bigint[])))
        AND EXISTS (SELECT FROM positions p WHERE p.user_id = u.id AND p.status = 'OPEN')
""")

# Of two concurrent valuations of an account the later one stays.
_SAVE = text("""
    INSERT INTO portfolios (user_id, cash, margin_used, free_balance, realised_pnl, unrealised_pnl,
                            equity, greeks, scenarios, stale_positions, updated_at)
    SELECT * FROM unnest(
        CAST(:user_id AS bigint[]), CAST(:cash AS numeric[]), CAST(:margin_used AS numeric[]),
        CAST(:free_balance AS numeric[]), CAST(:realised_pnl AS numeric[]),
        CAST(:unrealised_pnl AS numeric[]), CAST(:equity AS numeric[]), CAST(:greeks AS jsonb[]),
        CAST(:scenarios AS jsonb[]), CAST(:stale_positions AS integer[]),
        CAST(:updated_at AS timestamptz[]))
    ON CONFLICT (user_id) DO UPDATE SET
        cash = EXCLUDED.cash, margin_used = EXCLUDED.margin_used,
        free_balance = EXCLUDED.free_balance, realised_pnl = EXCLUDED.realised_pnl,
        unrealised_pnl = EXCLUDED.unrealised_pnl, equity = EXCLUDED.equity,
        greeks = EXCLUDED.greeks, scenarios = EXCLUDED.scenarios,
        stale_positions = EXCLUDED.stale_positions, updated_at = EXCLUDED.updated_at
    WHERE portfolios.updated_at <= EXCLUDED.updated_at
""")

_HELD = text("SELECT DISTINCT symbol FROM positions WHERE status = 'OPEN'")

# The marks of its positions go with an account.
_SNAPSHOT = text("""
    WITH marks AS (
        SELECT * FROM unnest(CAST(:symbols AS text[]), CAST(:prices AS numeric[])) AS t (symbol, price)
    )
    INSERT INTO portfolio_snapshots
        (user_id, taken_at, equity, realised_pnl, unrealised_pnl, margin_used, marks)
    SELECT user_id, :taken_at, equity, realised_pnl, unrealised_pnl, margin_used,
        (SELECT jsonb_object_agg(m.symbol, m.price::text) FROM positions h JOIN marks m USING (symbol)
            WHERE h.user_id = p.user_id AND h.status = 'OPEN')
    FROM portfolios p
    WHERE NOT EXISTS (
        SELECT 1 FROM portfolio_snapshots s WHERE s.user_id = p.user_id AND s.taken_at = :taken_at)
""")
# The first mark of a day takes the last one of the day before as the opening.
_MARK = text("""
    INSERT INTO position_marks (position_id, user_id, market_day, opening_pnl, pnl)
    SELECT p.id, p.user_id, CAST(:day AS date), 0, round(p.realised_pnl + p.quantity * m.price - p.cost, 2)
    FROM positions p
    JOIN unnest(CAST(:symbols AS text[]), CAST(:prices AS numeric[])) AS m (symbol, price) USING (symbol)
    WHERE p.status = 'OPEN' ORDER BY p.id
    ON CONFLICT (position_id) DO UPDATE SET
        opening_pnl = CASE WHEN position_marks.market_day < EXCLUDED.market_day
            THEN position_marks.pnl ELSE position_marks.opening_pnl END,
        market_day = EXCLUDED.market_day, pnl = EXCLUDED.pnl
""")

_PLAIN_COLUMNS = (
    "user_id",
    "cash",
    "margin_used",
    "free_balance",
    "realised_pnl",
    "unrealised_pnl",
    "equity",
    "stale_positions",
    "updated_at",
)
_JSON_COLUMNS = ("greeks", "scenarios")


class PostgresPortfolios:
    """The tables ``users`` and ``positions`` to read, ``portfolios`` and its history to write."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, user_ids: Collection[int]) -> tuple[list[Account], PositionColumns]:
        with self._engine.connect() as connection:
            rows = connection.execute(_READ, {"user_ids": list(user_ids)}).all()
        accounts = [
            Account(r.id, r.cash, r.collateral, r.margin_used, r.realised_pnl) for r in rows
        ]
        return accounts, _holdings(rows)

    def holders(self, watched: Collection[int], turn: int, turns: int) -> set[int]:
        parameters = {"watched": sorted(watched), "turn": turn % turns, "turns": turns}
        with self._engine.connect() as connection:
            return set(connection.execute(_HOLDERS, parameters).scalars())

    def save(self, portfolios: Sequence[Portfolio]) -> None:
        """Insert or replace, in one statement and in the order of ids, so that two never deadlock."""
        ordered = sorted(portfolios, key=lambda portfolio: portfolio.user_id)
        columns: dict[str, list[Any]] = {
            name: [getattr(portfolio, name) for portfolio in ordered] for name in _PLAIN_COLUMNS
        }
        for name in _JSON_COLUMNS:
            columns[name] = [msgspec.json.encode(getattr(p, name)).decode() for p in ordered]
        with self._engine.begin() as connection:
            connection.execute(_SAVE, columns)

    def held(self) -> list[str]:
        with self._engine.connect() as connection:
            return list(connection.execute(_HELD).scalars())

    def snapshot(self, taken_at: datetime, day: date, marks: Mapping[str, Decimal]) -> int:
        given = {"symbols": array(marks), "prices": array(marks.values())}
        with self._engine.begin() as connection:
            appended = connection.execute(_SNAPSHOT, {"taken_at": taken_at, **given}).rowcount
            if appended and marks:
                connection.execute(_MARK, {"day": day, **given})
        return appended


def _holdings(rows: Sequence[Row[Any]]) -> PositionColumns:
    counts = [len(row.symbols or ()) for row in rows]
    return PositionColumns(
        owner=np.repeat(np.arange(len(rows)), counts),
        symbols=list(_flat(row.symbols for row in rows)),
        quantity=np.fromiter(_flat(row.quantities for row in rows), np.int64),
        cost_paise=np.fromiter(_flat(row.costs for row in rows), np.int64),
    )


def _flat(columns: Iterable[list[Any] | None]) -> Iterable[Any]:
    return (value for column in columns for value in column or ())
