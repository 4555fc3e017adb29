from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import text

from angel_x.adapters.postgres import greeks_snapshot
from angel_x.adapters.postgres.greeks_snapshot import PostgresGreeksSnapshots

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Engine

FIELDS = ("implied_vol", "price", "delta", "gamma", "vega", "theta", "rho")
AS_OF = 1_787_000_000_500


def columns(*deltas: float) -> dict[str, NDArray[np.float64]]:
    return {name: np.array(deltas) for name in FIELDS}


def times(*as_of_ms: int) -> NDArray[np.int64]:
    return np.array(as_of_ms, np.int64)


def stored(engine: Engine) -> list[tuple[object, ...]]:
    statement = text("""
        SELECT symbol, delta, rho, CAST(extract(epoch FROM as_of) * 1000 AS bigint)
        FROM greeks_snapshot ORDER BY symbol
    """)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(statement)]


def test_greeks_are_kept_by_symbol_and_the_newest_stand(engine: Engine) -> None:
    snapshots = PostgresGreeksSnapshots(engine)

    assert snapshots.save(["A", "B"], columns(0.25, 0.5), times(AS_OF, AS_OF)) == 2
    assert snapshots.save(["B", "C"], columns(0.75, 1.0), times(AS_OF + 1, AS_OF)) == 2
    assert snapshots.save(["A"], columns(0.0), times(AS_OF - 1)) == 0
    assert snapshots.save(["A"], columns(0.5), times(AS_OF)) == 0

    assert stored(engine) == [
        ("A", 0.25, 0.25, AS_OF),
        ("B", 0.75, 0.75, AS_OF + 1),
        ("C", 1.0, 1.0, AS_OF),
    ]


def test_more_is_forgotten_than_one_statement_deletes(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(greeks_snapshot, "_ROWS", 2)
    snapshots = PostgresGreeksSnapshots(engine)
    symbols = list("ABCDE")
    snapshots.save(symbols, columns(*range(5)), times(*range(AS_OF, AS_OF + 5)))
    before = datetime.fromtimestamp((AS_OF + 4) / 1000, UTC)

    assert snapshots.forget(before) == 4

    assert [row[0] for row in stored(engine)] == ["E"]
