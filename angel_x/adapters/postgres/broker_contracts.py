"""The broker's names of contracts in PostgreSQL."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.rows import named, read
from angel_x.domain.contracts.broker_contract import BrokerContract

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Connection, Engine

_COLUMNS = ", ".join(BrokerContract._fields)
# A hundred thousand contracts may take longer than a query, and no order waits for them.
_PATIENCE = "SET LOCAL statement_timeout = 0"
_STAGE = f"""
CREATE TEMPORARY TABLE staged_broker_contracts ON COMMIT DROP AS
SELECT {_COLUMNS} FROM broker_contracts WITH NO DATA
"""
_COPY = f"COPY staged_broker_contracts ({_COLUMNS}) FROM STDIN"
# Unchanged rows are neither written nor locked.  Two masters at once lock rows in the same order.
_STORE = f"""
WITH expired AS (
    DELETE FROM broker_contracts WHERE expiry < %(day)s RETURNING symbol
), changed AS (
    INSERT INTO broker_contracts ({_COLUMNS}, master_at)
    SELECT {_COLUMNS}, %(master_at)s FROM (
        SELECT {_COLUMNS} FROM staged_broker_contracts WHERE expiry >= %(day)s
        EXCEPT SELECT {_COLUMNS} FROM broker_contracts) AS fresh
    ORDER BY symbol
    ON CONFLICT (symbol) DO UPDATE SET exchange = excluded.exchange,
        trading_symbol = excluded.trading_symbol, token = excluded.token,
        master_at = excluded.master_at
    RETURNING symbol
)
SELECT (SELECT count(*) FROM changed) AS changed, (SELECT count(*) FROM expired) AS expired
"""
_CHAIN = f"""
SELECT {_COLUMNS} FROM broker_contracts
WHERE underlying = %(underlying)s AND expiry = %(expiry)s ORDER BY symbol
"""
# A monthly name of BSE has no day: where a holiday has moved the expiry, the newer row is listed.
_SYMBOLS = """
SELECT DISTINCT ON (trading_symbol) trading_symbol, symbol FROM broker_contracts
WHERE trading_symbol = ANY(%(names)s::text[]) ORDER BY trading_symbol, master_at DESC, symbol
"""


class StoredNames(NamedTuple):
    """Counts of the rows that a master has changed, and of those that have expired."""

    changed: int
    expired: int


class _SymbolRow(NamedTuple):
    trading_symbol: str
    symbol: str


class PostgresBrokerContracts:
    """The table ``broker_contracts``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def store(
        self, contracts: Iterable[BrokerContract], master_at: datetime, day: date
    ) -> StoredNames:
        """Store the names in a master of that time, without those that have expired before the day.

        A second call changes nothing.  A contract that the master lacks keeps its row until it has
        expired, so that what is held can be closed.
        """
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_PATIENCE)
            connection.exec_driver_sql(_STAGE)
            _copy(connection, contracts)
            parameters = {"master_at": master_at, "day": day}
            (stored,) = named(connection.exec_driver_sql(_STORE, parameters), StoredNames)
        return stored

    def chain(self, underlying: str, expiry: date) -> list[BrokerContract]:
        """Return the contracts of an underlying that expire on a day, by symbol."""
        parameters = {"underlying": underlying, "expiry": expiry}
        return read(self._engine, _CHAIN, BrokerContract, parameters)

    def symbols(self, trading_symbols: Collection[str]) -> dict[str, str]:
        """Return our symbol of each trading symbol that is stored."""
        rows = read(self._engine, _SYMBOLS, _SymbolRow, {"names": array(trading_symbols)})
        return {row.trading_symbol: row.symbol for row in rows}


def _copy(connection: Connection, contracts: Iterable[BrokerContract]) -> None:
    """Stage contracts; their texts have no character that COPY reads as more than itself."""
    lines = StringIO("".join("\t".join(map(str, each)) + "\n" for each in contracts))
    with closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(_COPY, lines)
