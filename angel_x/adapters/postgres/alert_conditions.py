"""Conditions of accounts that people are told of when they begin."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.rows import read
from angel_x.domain.operations.notice import Notice, Topic

if TYPE_CHECKING:
    from sqlalchemy import Engine

_SHORT = """
SELECT k.user_id, u.name AS account, k.shortfall
FROM margin_marks k JOIN users u ON u.id = k.user_id WHERE k.short_since IS NOT NULL ORDER BY 1
"""
# The result of the day as in angel_x.domain.book.marked_account; an account's limit replaces everyone's.
_LOSSES = """
WITH results AS (
    SELECT u.id AS user_id, u.name AS account,
        CASE WHEN u.pnl_day = k.market_day THEN u.day_pnl ELSE 0 END
            + k.unrealised_pnl - k.opening_pnl AS result,
        coalesce(
            (SELECT value FROM risk_limits WHERE scope = 'user' AND name = u.id::text
                AND kind = 'max_daily_loss'),
            (SELECT value FROM risk_limits WHERE scope = 'global' AND kind = 'max_daily_loss')
        ) AS most
    FROM margin_marks k JOIN users u ON u.id = k.user_id WHERE k.market_day = %(day)s
)
SELECT user_id, account, -result AS loss, most FROM results
WHERE result < 0 AND -result >= most ORDER BY 1
"""
_EXPIRING = """
SELECT p.user_id, u.name AS account, count(DISTINCT p.symbol) AS contracts, min(p.symbol) AS symbol
FROM contracts c JOIN positions p ON p.symbol = c.symbol AND p.status = 'OPEN'
JOIN users u ON u.id = p.user_id
WHERE c.expiry = %(day)s GROUP BY p.user_id, u.name ORDER BY 1
"""


class _ShortRow(NamedTuple):
    user_id: int
    account: str
    shortfall: Decimal


class _LossRow(NamedTuple):
    user_id: int
    account: str
    loss: Decimal
    most: Decimal


class _ExpiringRow(NamedTuple):
    user_id: int
    account: str
    contracts: int
    symbol: str


def short_accounts(engine: Engine) -> list[Notice]:
    """Return the accounts that are short of margin by their last marking."""
    return [
        Notice(
            Topic.MARGIN_SHORTFALL,
            f"short {row.user_id}",
            f"{row.account} is short of margin by {row.shortfall:,.2f} rupees",
            row.user_id,
        )
        for row in read(engine, _SHORT, _ShortRow)
    ]


def losing_accounts(engine: Engine, day: date) -> list[Notice]:
    """Return the accounts that have reached their daily loss on a day of the market."""
    return [
        Notice(
            Topic.DAILY_LOSS,
            f"loss {row.user_id} {day}",
            f"{row.account} has lost {row.loss:,.2f} rupees today, its limit is {row.most:,.2f}",
            row.user_id,
        )
        for row in read(engine, _LOSSES, _LossRow, {"day": day})
    ]


def expiring_accounts(engine: Engine, day: date) -> list[Notice]:
    """Return the accounts with positions that expire on a day of the market."""
    return [
        Notice(
            Topic.EXPIRY_TODAY,
            f"expiry {row.user_id} {day}",
            f"{row.account} holds {row.contracts} contracts that expire today, as {row.symbol}"
            if row.contracts > 1
            else f"{row.account} holds {row.symbol}, which expires today",
            row.user_id,
        )
        for row in read(engine, _EXPIRING, _ExpiringRow, {"day": day})
    ]
