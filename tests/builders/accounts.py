"""Accounts and positions, written straight into a database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from angel_x.domain.contracts.universe import Universe


def list_contracts(engine: Engine, universe: Universe) -> None:
    """Store every contract of a universe."""
    rows = [
        {
            "symbol": c.symbol,
            "underlying": c.underlying,
            "expiry": c.expiry,
            "strike": c.strike,
            "right": c.right or "FUT",
            "expires_at": c.expires_at,
        }
        for c in universe.contracts
    ]
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO contracts (symbol, underlying, expiry, strike, option_right, lot_size,
                                   tick_size, freeze_quantity, expires_at)
            VALUES (:symbol, :underlying, :expiry, :strike, :right, 65, 0.05, 1800, :expires_at)
            """),
            rows,
        )


def open_accounts(engine: Engine, count: int) -> list[int]:
    """Store accounts with 100,000 rupees of cash and 5,000 of collateral; return their ids."""
    with engine.begin() as connection:
        ids = connection.execute(
            text("""
            INSERT INTO users (name, cash, collateral, margin_used, realised_pnl)
            SELECT 'user' || n, 100000, 5000, 30000, 12.34 FROM generate_series(1, :count) n
            RETURNING id
            """),
            {"count": count},
        )
        return sorted(ids.scalars())


def open_positions(engine: Engine, positions: Iterable[tuple[int, str, int, str]]) -> None:
    """Store positions (account, symbol, quantity, cost in rupees)."""
    rows = [{"user_id": u, "symbol": s, "quantity": q, "cost": cost} for u, s, q, cost in positions]
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost)
            VALUES (:user_id, :user_id, :symbol, 'OPEN', :quantity, CAST(:cost AS numeric))
            """),
            rows,
        )
