"""Statements of an account as CSV or JSON, streamed: rows of any number cost no memory here.

Money is text, so that no reader makes a float of it.
"""

from __future__ import annotations

from contextlib import closing
from typing import IO, TYPE_CHECKING

from angel_x.domain.records.export import ExportKind

if TYPE_CHECKING:
    from sqlalchemy import Engine

_SELECTED = {
    ExportKind.ORDERS: """
        SELECT id AS order_id, client_order_id, symbol, side, quantity, filled_quantity, order_type,
            limit_price::text, trigger_price::text, validity, product, priority, tag, status, reason,
            average_price::text, accepted_at, closed_at
        FROM orders WHERE user_id = {0} AND parent_id IS NULL ORDER BY id
    """,
    ExportKind.FILLS: """
        SELECT f.id AS fill_id, f.execution_id, f.order_id, f.symbol, f.side, f.quantity, f.price::text,
            coalesce(f.trade_date, (f.at AT TIME ZONE 'Asia/Kolkata')::date) AS trade_date, f.at
        FROM fills f WHERE f.user_id = {0} ORDER BY f.id
    """,
    ExportKind.TRADES: """
        SELECT id AS trade_id, symbol, side, quantity, entry_price::text, exit_price::text,
            realised_pnl::text, created_at, closed_at
        FROM trades WHERE user_id = {0} AND status = 'CLOSED' ORDER BY closed_at, id
    """,
    ExportKind.LEDGER: """
        SELECT at, account, amount::text, order_id FROM ledger_entries l WHERE user_id = {0}
        ORDER BY at, order_id, account, l.amount
    """,
    ExportKind.POSITIONS: """
        SELECT id AS position_id, symbol, product, quantity, cost::text,
            round(cost / quantity, 4)::text AS average_price, realised_pnl::text, entry_time
        FROM positions WHERE user_id = {0} AND status = 'OPEN' ORDER BY id
    """,
}
# Written in UTC, and for as long as it takes: what reads it may be slow.
_SETTINGS = """
SET LOCAL timezone = 'UTC'; SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0
"""
_FETCHED = 2_000


class Exports:
    """Writes the rows of one account."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(self, user_id: int, kind: ExportKind, file: IO[str]) -> None:
        """Write every row of an account as CSV with a header, oldest first."""
        selected = _SELECTED[kind].format(int(user_id))
        with self._engine.connect() as connection:
            connection.exec_driver_sql(_SETTINGS)
            with closing(connection.connection.cursor()) as cursor:
                cursor.copy_expert(f"COPY ({selected}) TO STDOUT WITH (FORMAT csv, HEADER)", file)

    def write_json(self, user_id: int, kind: ExportKind, file: IO[str]) -> None:
        """Write every row of an account as one JSON document with a list, oldest first."""
        selected = _SELECTED[kind].format(int(user_id))
        with self._engine.connect() as connection:
            connection.exec_driver_sql(_SETTINGS)
            streamed = connection.execution_options(yield_per=_FETCHED)
            rows = streamed.exec_driver_sql(f"SELECT row_to_json(r)::text FROM ({selected}) r")
            file.write(f'{{"{kind}": [')
            for number, row in enumerate(rows.scalars()):
                file.write(f"{',' if number else ''}\n{row}")
            file.write("\n]}\n")
