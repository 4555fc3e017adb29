"""Accounts to mark to the market, and their marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.rows import read
from angel_x.domain.book.account import Account, Mark
from angel_x.domain.book.marked_account import Fleet, MarkedAccount, StandingAccount
from angel_x.domain.margin.fleet_margin import FleetColumns
from angel_x.domain.values.money import ZERO

if TYPE_CHECKING:
    from sqlalchemy import Engine

# An account that holds nothing any more is read once more, so that its mark becomes zero; one with stops
# is read, so that they are armed before it trades, and ended with their limits.
_READ = """
WITH held AS (
    SELECT user_id, array_agg(symbol) AS symbols, array_agg(net_quantity) AS nets,
        array_agg(open_buy_quantity) AS buys, array_agg(open_sell_quantity) AS sells,
        array_agg((coalesce(p.cost, 0) * 100)::bigint) AS costs
    FROM exposures e LEFT JOIN (
        SELECT user_id, symbol, sum(cost) AS cost FROM positions WHERE status = 'OPEN'
        GROUP BY user_id, symbol
    ) p USING (user_id, symbol)
    WHERE e.is_open GROUP BY user_id
)
SELECT u.id, u.cash, u.collateral, u.margin_used, u.pnl_day, u.day_pnl,
    h.symbols, h.nets, h.buys, h.sells, h.costs,
    (SELECT json_object_agg(underlying, margin::text) FROM margins
        WHERE user_id = u.id AND margin > 0)::text AS held,
    k.market_day, k.opening_pnl, k.unrealised_pnl, k.short_since
FROM users u LEFT JOIN held h ON h.user_id = u.id LEFT JOIN margin_marks k ON k.user_id = u.id
WHERE h.user_id IS NOT NULL OR k.unrealised_pnl <> 0 OR k.required <> 0 OR k.short_since IS NOT NULL
    OR u.id IN (SELECT user_id FROM portfolio_stops)
    OR u.id IN (SELECT name::bigint FROM risk_limits
        WHERE scope = 'user' AND kind IN ('stop_loss', 'trailing_stop', 'take_profit'))
ORDER BY u.id
"""
# Accounts are computed without their locks.  One whose cash or margin has changed since is left out,
# and so is one that is locked: both were margined by the transaction that changed them.
_SAVE = """
WITH given AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(cash)s::numeric[], %(used)s::numeric[], %(margin_used)s::numeric[],
        %(days)s::date[], %(openings)s::numeric[], %(unrealised)s::numeric[],
        %(option_values)s::numeric[], %(exposures)s::numeric[], %(required)s::numeric[],
        %(shortfalls)s::numeric[], %(short_since)s::timestamptz[], %(actions)s::text[]
    ) AS t (id, cash, used, margin_used, day, opening, unrealised, option_value, exposure, required,
        shortfall, short_since, action)
), mine AS (
    SELECT g.* FROM users u JOIN given g ON g.id = u.id
    WHERE u.cash = g.cash AND u.margin_used = g.used
    ORDER BY u.id FOR NO KEY UPDATE OF u SKIP LOCKED
), used AS (
    UPDATE users u SET margin_used = m.margin_used FROM mine m
    WHERE u.id = m.id AND m.margin_used <> m.used
), held AS (
    INSERT INTO margins (user_id, underlying, margin)
    SELECT t.* FROM unnest(%(margin_users)s::bigint[], %(underlyings)s::text[], %(margins)s::numeric[])
        AS t (user_id, underlying, margin) JOIN mine m ON m.id = t.user_id
    ON CONFLICT (user_id, underlying) DO UPDATE SET margin = excluded.margin
), audited AS (
    INSERT INTO audit_entries (actor, action, subject, detail)
    SELECT 'margin', action, 'user:' || id, jsonb_build_object(
        'required', required::text, 'shortfall', shortfall::text)
    FROM mine WHERE action IS NOT NULL
)
INSERT INTO margin_marks (user_id, market_day, opening_pnl, unrealised_pnl, option_value, exposure,
    required, shortfall, short_since, marked_at)
SELECT id, day, opening, unrealised, option_value, exposure, required, shortfall, short_since,
    %(at)s::timestamptz FROM mine
ON CONFLICT (user_id) DO UPDATE SET
    market_day = excluded.market_day, opening_pnl = excluded.opening_pnl,
    unrealised_pnl = excluded.unrealised_pnl, option_value = excluded.option_value,
    exposure = excluded.exposure, required = excluded.required, shortfall = excluded.shortfall,
    short_since = excluded.short_since, marked_at = excluded.marked_at
RETURNING user_id
"""
_NOTE = """
INSERT INTO audit_entries (actor, action, subject, detail)
VALUES ('margin', %(action)s, 'user:' || %(user_id)s::bigint, %(detail)s::jsonb)
"""
_STATE = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(marked_at)), 0)::float8 AS age_seconds,
    count(short_since) AS short
FROM margin_marks WHERE required <> 0 OR unrealised_pnl <> 0
"""
#: The actions of the audit.
SHORT, CURED = "margin.short", "margin.cured"


class _Row(NamedTuple):
    id: int
    cash: Decimal
    collateral: Decimal
    margin_used: Decimal
    pnl_day: date | None
    day_pnl: Decimal
    symbols: list[str] | None
    nets: list[int] | None
    buys: list[int] | None
    sells: list[int] | None
    costs: list[int] | None
    held: str | None
    market_day: date | None
    opening_pnl: Decimal | None
    unrealised_pnl: Decimal | None
    short_since: datetime | None


class MarkState(NamedTuple):
    """The marks of accounts that hold something."""

    #: Of the oldest one; zero without any.
    age_seconds: float
    #: The number of accounts that are short of margin.
    short: int


_held = msgspec.json.Decoder(dict[str, Decimal])


class PostgresMarks:
    """The table ``margin_marks``, and the margins that it moves."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> Fleet:
        rows = read(self._engine, _READ, _Row, {})
        counts = [len(row.symbols or ()) for row in rows]
        columns = FleetColumns(
            owner=np.repeat(np.arange(len(rows)), counts),
            symbols=list(_flat(row.symbols for row in rows)),
            net=_integers(row.nets for row in rows),
            buys=_integers(row.buys for row in rows),
            sells=_integers(row.sells for row in rows),
            cost_paise=_integers(row.costs for row in rows),
        )
        return Fleet([_standing(row) for row in rows], columns)

    def save(self, accounts: Sequence[MarkedAccount], at: datetime) -> set[int]:
        with self._engine.begin() as connection:
            saved = connection.exec_driver_sql(_SAVE, _parameters(accounts) | {"at": at})
            return set(saved.scalars())

    def state(self) -> MarkState:
        (found,) = read(self._engine, _STATE, MarkState)
        return found

    def note(self, user_id: int, action: str, detail: Mapping[str, str]) -> None:
        encoded = msgspec.json.encode(detail).decode()
        with self._engine.begin() as connection:
            connection.exec_driver_sql(
                _NOTE, {"user_id": user_id, "action": action, "detail": encoded}
            )


def _standing(row: _Row) -> StandingAccount:
    account = Account(row.id, row.cash, row.collateral, row.margin_used)
    account.pnl_day, account.day_pnl = row.pnl_day, row.day_pnl
    mark = None
    if row.market_day is not None and row.opening_pnl is not None:
        mark = Mark(row.market_day, row.opening_pnl, row.unrealised_pnl or ZERO)
    held = {} if row.held is None else _held.decode(row.held)
    return StandingAccount(account, held, mark, row.short_since, is_open=row.symbols is not None)


def _parameters(accounts: Sequence[MarkedAccount]) -> dict[str, object]:
    margins = [
        (account.user_id, name, rupees)
        for account in accounts
        for name, rupees in account.held.items()
        if rupees != account.standing.held.get(name, ZERO)
    ]
    return {
        "ids": array(a.user_id for a in accounts),
        "cash": array(a.standing.account.cash for a in accounts),
        "used": array(a.standing.account.margin_used for a in accounts),
        "margin_used": array(a.margin_used for a in accounts),
        "days": array(a.mark.day for a in accounts),
        "openings": array(a.mark.opening_pnl for a in accounts),
        "unrealised": array(a.mark.unrealised for a in accounts),
        "option_values": array(a.values.option_value for a in accounts),
        "exposures": array(a.values.exposure for a in accounts),
        "required": array(a.required for a in accounts),
        "shortfalls": array(a.shortfall for a in accounts),
        "short_since": array(a.short_since for a in accounts),
        "actions": array(_action(a) for a in accounts),
        "margin_users": array(user_id for user_id, _, _ in margins),
        "underlyings": array(name for _, name, _ in margins),
        "margins": array(rupees for _, _, rupees in margins),
    }


def _action(account: MarkedAccount) -> str | None:
    if account.is_newly_short:
        return SHORT
    return CURED if account.is_cured else None


def _integers(columns: Iterable[list[int] | None]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.fromiter(_flat(columns), np.int64)


def _flat(columns: Iterable[list[Any] | None]) -> Iterable[Any]:
    return (value for column in columns for value in column or ())
