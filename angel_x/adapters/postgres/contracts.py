"""Contracts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text

from angel_x.domain.contract import Contract, Right

if TYPE_CHECKING:
    from sqlalchemy import Row

# One load at a time: two would list the union of both.
_LOCK = text("LOCK TABLE contracts IN SHARE ROW EXCLUSIVE MODE")

_LIST = text("""
INSERT INTO contracts (symbol, underlying, expiry, strike, option_right, lot_size, tick_size,
                       freeze_quantity, expires_at, listed)
SELECT *, true
  FROM unnest(CAST(:symbol AS text[]), CAST(:underlying AS text[]), CAST(:expiry AS date[]),
              CAST(:strike AS numeric[]), CAST(:option_right AS text[]), CAST(:lot_size AS int[]),
              CAST(:tick_size AS numeric[]), CAST(:freeze_quantity AS int[]),
              CAST(:expires_at AS timestamptz[]))
ON CONFLICT (symbol) DO UPDATE
   SET lot_size = excluded.lot_size, tick_size = excluded.tick_size,
       freeze_quantity = excluded.freeze_quantity, expires_at = excluded.expires_at, listed = true
""")

_UNLIST = text("""
UPDATE contracts SET listed = false WHERE listed AND symbol <> ALL (CAST(:symbol AS text[]))
""")

_LOAD = text("""
SELECT symbol, underlying, expiry, strike, option_right, lot_size, tick_size, freeze_quantity,
       expires_at
  FROM contracts
 WHERE listed
""")


class SqlContracts:
    """The listed contracts.  One that is no longer listed keeps its row: orders refer to it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def replace(self, contracts: Sequence[Contract]) -> int:
        """List exactly these contracts and return how many were unlisted by it.

        All of it happens in one transaction; a second call with the same contracts changes nothing.
        """
        columns = _columns(contracts)
        with self._engine.begin() as connection:
            connection.execute(_LOCK)
            connection.execute(_LIST, columns)
            return connection.execute(_UNLIST, {"symbol": columns["symbol"]}).rowcount

    def load(self) -> list[Contract]:
        """Return the listed contracts, in no order."""
        with self._engine.connect() as connection:
            return [_contract(row) for row in connection.execute(_LOAD)]


def _columns(contracts: Sequence[Contract]) -> dict[str, list[object]]:
    return {
        "symbol": [c.symbol for c in contracts],
        "underlying": [c.underlying for c in contracts],
        "expiry": [c.expiry for c in contracts],
        "strike": [c.strike for c in contracts],
        "option_right": [str(c.right) for c in contracts],
        "lot_size": [c.lot_size for c in contracts],
        "tick_size": [c.tick_size for c in contracts],
        "freeze_quantity": [c.freeze_quantity for c in contracts],
        "expires_at": [c.expires_at for c in contracts],
    }


def _contract(row: Row[tuple[object, ...]]) -> Contract:
    values = row._asdict()
    right = Right(values.pop("option_right"))
    return Contract(right=right, **values)
