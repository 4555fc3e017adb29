"""The last known Greeks of each symbol, kept for queries that join them to positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
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
    WHERE greeks_snapshot.as_of <= EXCLUDED.as_of
""")


class PostgresGreeksSnapshots:
    """The table ``greeks_snapshot``, one row a symbol."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(
        self,
        symbols: Sequence[str],
        columns: Mapping[str, Sequence[float]],
        as_of_ms: Sequence[int],
    ) -> None:
        """Insert or replace in one statement; ``columns`` maps each field to numbers that exist.

        Rows are locked in the order given, so callers keep to one order.  Older never replaces newer.
        """
        parameters = {field: list(columns[field]) for field in _FIELDS}
        keys = {"symbol": list(symbols), "as_of_ms": list(as_of_ms)}
        with self._engine.begin() as connection:
            connection.execute(_SAVE, keys | parameters)
