"""Statements of an account as files, streamed: rows of any number cost no memory here.

Money is text in CSV and JSON, so that no reader makes a float of it, and decimal in columnar files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO, TYPE_CHECKING, Any

from angel_x.adapters.columnar_files import write_rows
from angel_x.domain.records.export import ExportFormat, ExportKind

if TYPE_CHECKING:
    from sqlalchemy import CursorResult, Engine

# ``{text}`` makes text of money.
_SELECTED = {
    ExportKind.ORDERS: """
        SELECT id AS order_id, client_order_id, symbol, side, quantity, filled_quantity, order_type,
            limit_price{text}, trigger_price{text}, validity, product, priority, tag, status, reason,
            average_price{text}, accepted_at, closed_at
        FROM orders WHERE user_id = {0} AND parent_id IS NULL ORDER BY id
    """,
    ExportKind.FILLS: """
        SELECT f.id AS fill_id, f.execution_id, f.order_id, f.symbol, f.side, f.quantity, f.price{text},
            coalesce(f.trade_date, (f.at AT TIME ZONE 'Asia/Kolkata')::date) AS trade_date, f.at
        FROM fills f WHERE f.user_id = {0} ORDER BY f.id
    """,
    ExportKind.TRADES: """
        SELECT id AS trade_id, symbol, side, quantity, entry_price{text}, exit_price{text},
            realised_pnl{text}, created_at, closed_at
        FROM trades WHERE user_id = {0} AND status = 'CLOSED' ORDER BY closed_at, id
    """,
    ExportKind.LEDGER: """
        SELECT at, account, amount{text}, order_id FROM ledger_entries l WHERE user_id = {0}
        ORDER BY at, order_id, account, l.amount
    """,
    ExportKind.POSITIONS: """
        SELECT id AS position_id, symbol, product, quantity, cost{text},
            round(cost / quantity, 4){text} AS average_price, realised_pnl{text}, entry_time
        FROM positions WHERE user_id = {0} AND status = 'OPEN' ORDER BY id
    """,
    ExportKind.GREEKS: """
        SELECT symbol, implied_vol, price AS model_price, delta, gamma, vega, theta, rho, as_of
        FROM greeks_snapshot WHERE symbol IN (
            SELECT symbol FROM positions WHERE user_id = {0} AND status = 'OPEN') ORDER BY symbol
    """,
}
# Written in UTC, and for as long as it takes: the reader may be slow.
_SETTINGS = """
SET LOCAL timezone = 'UTC'; SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0
"""
_FETCHED = 2_000


class Exports:
    """Writes the rows of one account."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(self, user_id: int, kind: ExportKind, form: ExportFormat, file: IO[bytes]) -> None:
        """Write every row of an account, oldest first, to a file that is open for binary writing.

        Raises:
            FormatUnavailable: The library of the format is not installed.
        """
        match form:
            case ExportFormat.CSV:
                self._write_csv(user_id, kind, file)
            case ExportFormat.JSON:
                self._write_json(user_id, kind, file)
            case ExportFormat.PARQUET | ExportFormat.ARROW:
                self._write_columns(user_id, kind, form, file)

    def _write_csv(self, user_id: int, kind: ExportKind, file: IO[bytes]) -> None:
        selected = _selected(user_id, kind, text="::text")
        with self._engine.connect() as connection:
            connection.exec_driver_sql(_SETTINGS)
            with closing(connection.connection.cursor()) as cursor:
                cursor.copy_expert(f"COPY ({selected}) TO STDOUT WITH (FORMAT csv, HEADER)", file)

    def _write_json(self, user_id: int, kind: ExportKind, file: IO[bytes]) -> None:
        selected = _selected(user_id, kind, text="::text")
        rows = f"SELECT row_to_json(r)::text FROM ({selected}) r"
        with self._streamed(rows) as result:
            file.write(f'{{"{kind}": ['.encode())
            for number, row in enumerate(result.scalars()):
                file.write(f"{',' if number else ''}\n{row}".encode())
            file.write(b"\n]}\n")

    def _write_columns(
        self, user_id: int, kind: ExportKind, form: ExportFormat, file: IO[bytes]
    ) -> None:
        with self._streamed(_selected(user_id, kind, text="")) as result:
            write_rows(list(result.keys()), result, form, file)

    @contextmanager
    def _streamed(self, selected: str) -> Iterator[CursorResult[Any]]:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(_SETTINGS)
            yield connection.execution_options(yield_per=_FETCHED).exec_driver_sql(selected)


def _selected(user_id: int, kind: ExportKind, *, text: str) -> str:
    return _SELECTED[kind].format(int(user_id), text=text)
