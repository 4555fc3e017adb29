"""The last known Greeks of each symbol, for queries that join them to positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

from angel_x.adapters.postgres.arrays import array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Engine

_FIELDS = ("implied_vol", "price", "delta", "gamma", "vega", "theta", "rho")

_SAVE = text("""
    INSERT INTO greeks_snapshot
        (symbol, implied_vol, price, delta, gamma, vega, theta, rho, as_of)
    SELECT symbol, implied_vol, price, delta, gamma, vega, theta, rho,
           to_timestamp(as_of_ms / 1000.0)
    FROM unnest(
        CAST(:symbol AS text[]), CAST(:implied_vol AS double precision[]),
        CAST(:price AS double precision[]), CAST(:delta AS double precision[]),
        CAST(:gamma AS double precision[]), CAST(:vega AS double precision[]),
        CAST(:theta AS double precision[]), CAST(:rho AS double precision[]),
        CAST(:as_of_ms AS bigint[])
    ) AS t (symbol, implied_vol, price, delta, gamma, vega, theta, rho, as_of_ms)
    ON CONFLICT (symbol) DO UPDATE SET
        implied_vol = EXCLUDED.implied_vol, price = EXCLUDED.price, delta = EXCLUDED.delta,
        gamma = EXCLUDED.gamma, vega = EXCLUDED.vega, theta = EXCLUDED.theta,
        rho = EXCLUDED.rho, as_of = EXCLUDED.as_of
    WHERE greeks_snapshot.as_of < EXCLUDED.as_of
""")

_FORGET = text("""
    DELETE FROM greeks_snapshot WHERE symbol IN (
        SELECT kept.symbol FROM greeks_snapshot kept LEFT JOIN contracts USING (symbol)
        WHERE coalesce(contracts.expires_at, kept.as_of) < :before
        ORDER BY kept.symbol LIMIT :rows
    )
""")
#: Rows that one statement deletes, so that it holds few locks for a short time.
_ROWS = 10_000


class PostgresGreeksSnapshots:
    """The table ``greeks_snapshot``, one row a symbol."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(
        self,
        symbols: Sequence[str],
        columns: Mapping[str, NDArray[np.floating]],
        as_of_ms: NDArray[np.int64],
    ) -> int:
        parameters = {field: array(columns[field].tolist()) for field in _FIELDS}
        keys = {"symbol": array(symbols), "as_of_ms": array(as_of_ms.tolist())}
        with self._engine.begin() as connection:
            return connection.execute(_SAVE, keys | parameters).rowcount

    def forget(self, before: datetime) -> int:
        forgotten, deleted = 0, _ROWS
        while deleted == _ROWS:
            with self._engine.begin() as connection:
                deleted = connection.execute(_FORGET, {"before": before, "rows": _ROWS}).rowcount
            forgotten += deleted
        return forgotten
