"""The whole history of an account, streamed, and its stored state to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.rows import named, read
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.orders.order import Product, Side
from angel_x.domain.portfolios.history import AccountMove
from angel_x.domain.portfolios.past import PastSnapshot
from angel_x.domain.portfolios.rebuild import StoredAccount, StoredPosition

if TYPE_CHECKING:
    from sqlalchemy import Engine

# In the order in which the book folded them: ids of fills follow it, and a settled position is not
# traded any more.
_MOVES = f"""
SELECT day, symbol, product, tag, side, quantity, price, traded_before, charges, settles FROM (
    SELECT coalesce(f.trade_date, (f.at AT TIME ZONE 'Asia/Kolkata')::date) AS day, f.symbol,
        o.product, o.tag, f.side, f.quantity, f.price,
        sum(f.price * f.quantity) OVER (PARTITION BY f.order_id ORDER BY f.id)
            - f.price * f.quantity AS traded_before,
        NULL::numeric AS charges, false AS settles, f.at, f.id
    FROM fills f JOIN orders o ON o.id = f.order_id WHERE f.user_id = %(user_id)s
    UNION ALL
    SELECT expiry, symbol, product, NULL,
        CASE WHEN quantity > 0 THEN '{Side.SELL}' ELSE '{Side.BUY}' END, abs(quantity), price, 0,
        charges, true, at, id
    FROM settlements WHERE user_id = %(user_id)s
    UNION ALL
    SELECT day, symbol, product, NULL,
        CASE WHEN quantity > 0 THEN '{Side.BUY}' ELSE '{Side.SELL}' END, abs(quantity), price, 0,
        0, false, at, id
    FROM openings WHERE user_id = %(user_id)s
) AS moves WHERE at <= coalesce(%(until)s, 'infinity'::timestamptz) ORDER BY at, id
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
_CASH = f"""
SELECT coalesce(sum(amount), 0) FROM ledger_entries
WHERE user_id = %(user_id)s AND account = '{LedgerAccount.CASH}' AND at <= %(until)s
"""
_LAST = """
SELECT taken_at, margin_used, marks FROM portfolio_snapshots
WHERE user_id = %(user_id)s AND taken_at <= %(until)s ORDER BY taken_at DESC LIMIT 1
"""
_FETCHED = 5_000


class _SnapshotRow(NamedTuple):
    taken_at: datetime
    margin_used: Decimal
    marks: dict[str, str] | None


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
    settles: bool


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

    def moves(self, user_id: int, until: datetime | None = None) -> Iterator[AccountMove]:
        """Yield the moves of an account up to a time, by default all, oldest first.

        A few thousand are in memory at a time.
        """
        with self._engine.connect() as connection:
            streamed = connection.execution_options(yield_per=_FETCHED)
            for row in streamed.exec_driver_sql(_MOVES, {"user_id": user_id, "until": until}):
                found = _MoveRow(*row)
                yield AccountMove(
                    found.day, found.symbol, Product(found.product), found.tag, Side(found.side),
                    found.quantity, found.price, found.traded_before, found.charges, found.settles,
                )  # fmt: skip

    def cash(self, user_id: int, until: datetime) -> Decimal:
        """Return the cash of an account at a time, from its ledger."""
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(_CASH, {"user_id": user_id, "until": until})
            return Decimal(found.scalar_one())

    def snapshot(self, user_id: int, until: datetime) -> PastSnapshot | None:
        """Return the last snapshot of an account at or before a time."""
        rows = read(self._engine, _LAST, _SnapshotRow, {"user_id": user_id, "until": until})
        if not rows:
            return None
        (row,) = rows
        marks = {symbol: Decimal(price) for symbol, price in (row.marks or {}).items()}
        return PastSnapshot(row.taken_at, row.margin_used, marks)

    def accounts(self) -> list[StoredAccount]:
        """Return the stored state of every account beside the sums of its ledger and margins."""
        with self._engine.connect() as connection:
            rows = named(connection.exec_driver_sql(_ACCOUNTS), _AccountRow)
        return [StoredAccount(*row) for row in rows]

    def positions(self, user_id: int) -> list[StoredPosition]:
        """Return the stored open positions of an account."""
        rows = read(self._engine, _POSITIONS, _PositionRow, {"user_id": user_id})
        return [StoredPosition(r.symbol, Product(r.product), r.quantity, r.cost) for r in rows]
