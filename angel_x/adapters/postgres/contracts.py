"""Contracts in PostgreSQL."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Engine, text

from angel_x.adapters.postgres.literals import literals
from angel_x.domain.contracts.contract import FUTURE, Right
from angel_x.domain.contracts.listed_chain import ListedChain, Term, kind_of
from angel_x.domain.contracts.replaced import Replaced
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.orders.order import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy import Connection

    from angel_x.domain.contracts.contract import Contract

# One load at a time: two would list the union of both.
_LOCK = text("LOCK TABLE contracts IN SHARE ROW EXCLUSIVE MODE")

# A million contracts may take longer than a query, and orders do not wait for it.  One that was
# canceled by the timeout would be canceled on every attempt.
_PATIENCE = text("SET LOCAL statement_timeout = 0")

_COLUMNS = """symbol, underlying, expiry, strike, option_right, lot_size, tick_size,
              freeze_quantity, expires_at"""

_STAGE = f"""
CREATE TEMPORARY TABLE staged_contracts ON COMMIT DROP AS
SELECT {_COLUMNS} FROM contracts WITH NO DATA
"""

_COPY = f"COPY staged_contracts ({_COLUMNS}) FROM STDIN"

# Unchanged rows are not written, so a second load of the same contracts only reads.
_LIST = text(f"""
INSERT INTO contracts ({_COLUMNS}, listed, closing_only)
SELECT {_COLUMNS}, true, symbol = ANY(:kept) FROM staged_contracts
ON CONFLICT (symbol) DO UPDATE
   SET lot_size = excluded.lot_size, tick_size = excluded.tick_size,
       freeze_quantity = excluded.freeze_quantity, expires_at = excluded.expires_at, listed = true,
       closing_only = excluded.closing_only
 WHERE (contracts.lot_size, contracts.tick_size, contracts.freeze_quantity, contracts.expires_at,
        contracts.listed, contracts.closing_only)
       IS DISTINCT FROM (excluded.lot_size, excluded.tick_size, excluded.freeze_quantity,
                         excluded.expires_at, true, excluded.closing_only)
""")

# Only a listed contract can be closed, so a held one stays under any new list, to be closed.
_KEEP = text(f"""
INSERT INTO staged_contracts ({_COLUMNS})
SELECT {_COLUMNS} FROM contracts c
 WHERE symbol IN (SELECT symbol FROM positions WHERE status = 'OPEN'
                  UNION SELECT symbol FROM orders WHERE status IN {literals(OPEN)})
   AND NOT EXISTS (SELECT FROM staged_contracts s WHERE s.symbol = c.symbol)
RETURNING symbol
""")

_UNLIST = text("""
UPDATE contracts c SET listed = false
 WHERE c.listed AND NOT EXISTS (SELECT FROM staged_contracts s WHERE s.symbol = c.symbol)
""")

#: The values of ``option_right``.
_RIGHTS: tuple[tuple[str, Right | None], ...] = (*((r.value, r) for r in Right), (FUTURE, None))

# One row a chain, with the terms of its contracts as whole numbers in network order: a hundred
# thousand contracts cost a process a few megabytes, and no object each.
_KINDS = " ".join(f"WHEN '{name}' THEN {kind_of(right):d}" for name, right in _RIGHTS)
_LOAD = text(f"""
SELECT underlying, expiry,
       string_agg(int8send(CAST(strike * 100 AS bigint))
                  || int8send(CAST(CASE option_right {_KINDS} END AS bigint))
                  || int8send(CAST(lot_size AS bigint))
                  || int8send(CAST(tick_size * 100 AS bigint))
                  || int8send(CAST(freeze_quantity AS bigint))
                  || int8send(CAST(extract(epoch FROM expires_at) * 1000000 AS bigint)), ''),
       array_agg(symbol) FILTER (WHERE closing_only)
  FROM contracts
 WHERE listed
 GROUP BY underlying, expiry
""")

#: Chains that are fetched at a time.
_FETCHED = 100


class SqlContracts:
    """The listed contracts.  One that is no longer listed keeps its row: orders refer to it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def replace(self, universe: Universe) -> Replaced:
        """List these contracts, and those that are held or have an open order, in one transaction.

        A second call with the same contracts changes nothing.
        """
        with self._engine.begin() as connection:
            connection.execute(_LOCK)
            connection.execute(_PATIENCE)
            _stage(connection, universe)
            kept = sorted(connection.execute(_KEEP).scalars())
            connection.execute(_LIST, {"kept": kept})
            return Replaced(connection.execute(_UNLIST).rowcount, tuple(kept))

    def load(self) -> Universe:
        with self._engine.connect() as connection:
            streamed = connection.execution_options(yield_per=_FETCHED)
            chains, closing_only = [], list[str]()
            for underlying, expiry, numbers, closing in streamed.execute(_LOAD):
                chains.append(_terms(underlying, expiry, numbers))
                closing_only += closing or ()
            return Universe(chains=chains, closing_only=closing_only)


def _terms(underlying: str, expiry: date, numbers: memoryview) -> ListedChain:
    terms = np.frombuffer(numbers, ">i8").astype(np.int64)
    return ListedChain(underlying, expiry, terms.reshape(-1, len(Term)))


def _stage(connection: Connection, universe: Universe) -> None:
    connection.exec_driver_sql(_STAGE)
    with closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(_COPY, _Lines(universe))


class _Lines:
    """The contracts as COPY reads them, one chain at a time."""

    def __init__(self, universe: Universe) -> None:
        self._blocks = _blocks(universe)

    def read(self, _size: int) -> str:
        """Return the next whole lines, independent of the size; an empty string at the end."""
        return next(self._blocks, "")


def _blocks(universe: Universe) -> Iterator[str]:
    symbols = iter(universe.symbols)
    for chain in universe.chains:
        rows = slice(chain.start, chain.stop)
        columns = (
            universe.strike_paise[rows].tolist(),
            universe.is_call[rows].tolist(),
            universe.lot_size[rows].tolist(),
            universe.tick_paise[rows].tolist(),
            universe.freeze_quantity[rows].tolist(),
            map(_moment, universe.expires_at[rows].tolist()),
        )
        named = islice(symbols, chain.stop - chain.start)
        yield "".join(
            f"{symbol}\t{chain.underlying}\t{chain.expiry}\t{_rupees(strike)}\t"
            f"{'CE' if is_call else 'PE'}\t{lot}\t{_rupees(tick)}\t{freeze}\t{expires_at}\n"
            for symbol, strike, is_call, lot, tick, freeze, expires_at in zip(
                named, *columns, strict=True
            )
        )
    yield "".join(map(_future, universe.contracts[universe.option_count :]))


def _future(contract: Contract) -> str:
    c = contract
    return (
        f"{c.symbol}\t{c.underlying}\t{c.expiry}\t0.00\t{FUTURE}\t{c.lot_size}\t{c.tick_size}\t"
        f"{c.freeze_quantity}\t{c.expires_at.isoformat()}\n"
    )


def _rupees(paise: int) -> str:
    return f"{paise // 100}.{paise % 100:02d}"


@lru_cache(maxsize=64)
def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
