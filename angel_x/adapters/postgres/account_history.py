"""The whole history of an account, streamed, and its stored state to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.rows import named, read
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.orders.order import Product, Side
from angel_x.domain.portfolios.history import AccountMove
from angel_x.domain.portfolios.rebuild import StoredAccount, StoredPosition

if TYPE_CHECKING:
    from sqlalchemy import Engine

# In the order in which the book folded them: ids of fills follow it, and what is settled is not
# traded any more.
_MOVES = f"""
SELECT day, symbol, product, tag, side, quantity, price, traded_before, charges FROM (
    SELECT coalesce(f.trade_date, (f.at AT TIME ZONE 'Asia/Kolkata')::date) AS day, f.symbol,
        o.product, o.tag, f.side, f.quantity, f.price,
        sum(f.price * f.quantity) OVER (PARTITION BY f.order_id ORDER BY f.id)
            - f.price * f.quantity AS traded_before,
        NULL::numeric AS charges, f.at, f.id
    FROM fills f JOIN orders o ON o.id = f.order_id WHERE f.user_id = %(user_id)s
    UNION ALL
    SELECT expiry, symbol, product, NULL,
        CASE WHEN quantity > 0 THEN '{Side.SELL}' ELSE '{Side.BUY}' END, abs(quantity), price, 0,
        charges, at, id
    FROM settlements WHERE user_id = %(user_id)s
) AS moves ORDER BY at, id
"""
_ACCOUNTS = f"""
SELECT u.id, u.name, u.cash, u.margin_used, u.realised_pnl,
    coalesce((SELECT sum(amount) FROM ledger_entries
        WHERE user_id = u.id AND account = '{LedgerAccount.CASH}'), 0) AS ledger_cash,
    coalesce((SELECT -sum(amount) FROM ledger_entries
        WHERE user_id = u.id AND account = '{LedgerAccount.PNL}'), 0) AS ledger_pnl,
    coalesce((SELECT sum(margin) FROM margins WHERE user_id = u.id), 0)
        + coalesce((SELECT sum(reserved) FROM orders WHERE user_id = u.id AND reserved > 0), 0)
        AS held_margin
FROM users u ORDER BY u.id
"""
_POSITIONS = """
SELECT symbol, product, quantity, cost FROM positions
WHERE user_id = %(user_id)s AND status = 'OPEN' ORDER BY symbol, product
"""
_FETCHED = 5_000


class _MoveRow(NamedTuple):
    day: date
    symbol: str
    product: str
    tag: str | None
    side: str
    quantity: int
    price: Decimal
    traded_before: Decimal
    charges: Decimal | None


class _AccountRow(NamedTuple):
    id: int
    name: str
    cash: Decimal
    margin_used: Decimal
    realised_pnl: Decimal
    ledger_cash: Decimal
    ledger_pnl: Decimal
    held_margin: Decimal


class _PositionRow(NamedTuple):
    symbol: str
    product: str
    quantity: int
    cost: Decimal


class AccountHistory:
    """Reads fills, settlements and the ledger."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def moves(self, user_id: int) -> Iterator[AccountMove]:
        """Yield every move of an account, oldest first, a few thousand in memory at a time."""
        with self._engine.connect() as connection:
            streamed = connection.execution_options(yield_per=_FETCHED)
            for row in streamed.exec_driver_sql(_MOVES, {"user_id": user_id}):
                found = _MoveRow(*row)
                yield AccountMove(
                    found.day, found.symbol, Product(found.product), found.tag, Side(found.side),
                    found.quantity, found.price, found.traded_before, found.charges,
                )  # fmt: skip

    def accounts(self) -> list[StoredAccount]:
        """Return the stored state of every account, beside what its ledger and margins sum to."""
        with self._engine.connect() as connection:
            rows = named(connection.exec_driver_sql(_ACCOUNTS), _AccountRow)
        return [StoredAccount(*row) for row in rows]

    def positions(self, user_id: int) -> list[StoredPosition]:
        """Return the stored open positions of an account."""
        rows = read(self._engine, _POSITIONS, _PositionRow, {"user_id": user_id})
        return [StoredPosition(r.symbol, Product(r.product), r.quantity, r.cost) for r in rows]
