"""The rows of contract notes: fills and settlements of an account and a day of the market."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import msgspec

from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.records.contract_note import DayRows, SettledRow, TradedRow

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_Record = TypeVar("_Record")

#: As in the index of fills.
_DAY = "coalesce(f.trade_date, (f.at AT TIME ZONE 'Asia/Kolkata')::date)"
_FILLS = f"""
SELECT f.execution_id, f.order_id::text AS order_id,
    (SELECT o.client_order_id FROM orders o WHERE o.id = f.order_id) AS client_order_id, f.symbol, f.side, f.quantity,
    f.price, f.at, (SELECT coalesce(sum(e.price * e.quantity), 0) FROM fills e
        WHERE e.order_id = f.order_id AND e.id < f.id) AS traded_before
FROM fills f WHERE f.user_id = %(user_id)s AND {_DAY} = %(day)s ORDER BY f.id
"""
_SETTLED = """
SELECT symbol, product, quantity, index_price, price, charges, realised_pnl FROM settlements
WHERE user_id = %(user_id)s AND expiry = %(day)s ORDER BY id
"""
# Orders are of one day, so their ledger entries were booked for this day.
_BOOKED = f"""
SELECT coalesce((SELECT sum(l.amount) FROM ledger_entries l
        WHERE l.user_id = %(user_id)s AND l.account = '{LedgerAccount.CHARGES}'
            AND l.at >= (SELECT min(f.at) FROM fills f WHERE f.user_id = %(user_id)s AND {_DAY} = %(day)s)
                - interval '1 hour'
            AND l.order_id IN (SELECT f.order_id FROM fills f
                WHERE f.user_id = %(user_id)s AND {_DAY} = %(day)s)), 0)
    + coalesce((SELECT sum(charges) FROM settlements
        WHERE user_id = %(user_id)s AND expiry = %(day)s), 0) AS booked
"""
_FUTURES_PROFIT = f"""
SELECT coalesce(-sum(l.amount), 0) FROM ledger_entries l
WHERE l.user_id = %(user_id)s AND l.account = '{LedgerAccount.PNL}'
    AND l.at >= (SELECT min(f.at) FROM fills f WHERE f.user_id = %(user_id)s AND {_DAY} = %(day)s)
        - interval '1 hour'
    AND l.order_id IN (SELECT f.order_id FROM fills f WHERE f.user_id = %(user_id)s AND {_DAY} = %(day)s
        AND right(f.symbol, 4) = '_FUT')
"""


class PostgresNotes:
    """Reads ``fills``, ``settlements`` and the booked charges."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, user_id: int, day: date) -> DayRows:
        """Return the rows of an account and a day, all of one snapshot."""
        wanted = {"user_id": user_id, "day": day}
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.connect() as connection:
            booked: Decimal = connection.exec_driver_sql(_BOOKED, wanted).scalar_one()
            profit: Decimal = connection.exec_driver_sql(_FUTURES_PROFIT, wanted).scalar_one()
            return DayRows(
                fills=_read(connection, _FILLS, wanted, TradedRow),
                settlements=_read(connection, _SETTLED, wanted, SettledRow),
                booked_charges=booked,
                futures_profit=profit,
            )


def _read(
    connection: Connection, statement: str, parameters: dict[str, object], record: type[_Record]
) -> list[_Record]:
    rows = connection.exec_driver_sql(statement, parameters).mappings().all()
    return msgspec.convert([dict(row) for row in rows], list[record])  # type: ignore[valid-type]
