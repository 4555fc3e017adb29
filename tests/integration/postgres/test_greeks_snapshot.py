from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from angel_x.adapters.postgres.greeks_snapshot import PostgresGreeksSnapshots

if TYPE_CHECKING:
    from sqlalchemy import Engine

FIELDS = ("implied_vol", "price", "delta", "gamma", "vega", "theta", "rho")
AS_OF = 1_787_000_000_500


def columns(*deltas: float) -> dict[str, list[float]]:
    return {name: list(deltas) for name in FIELDS}


def stored(engine: Engine) -> list[tuple[object, ...]]:
    statement = text("""
        SELECT symbol, delta, rho, CAST(extract(epoch FROM as_of) * 1000 AS bigint)
        FROM greeks_snapshot ORDER BY symbol
    """)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(statement)]


def test_greeks_are_kept_by_symbol_and_the_newest_stand(engine: Engine) -> None:
    snapshots = PostgresGreeksSnapshots(engine)

    snapshots.save(["A", "B"], columns(0.25, 0.5), [AS_OF, AS_OF])
    snapshots.save(["B", "C"], columns(0.75, 1.0), [AS_OF + 1, AS_OF])
    snapshots.save(["A"], columns(0.0), [AS_OF - 1])

    assert stored(engine) == [
        ("A", 0.25, 0.25, AS_OF),
        ("B", 0.75, 0.75, AS_OF + 1),
        ("C", 1.0, 1.0, AS_OF),
    ]
