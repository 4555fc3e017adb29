"""The guide's five rows on a small scale: both backends do the work, in one run."""

from __future__ import annotations

import pytest

from angel_x.bootstrap import Application
from benchmarks.five import ANGEL_X, NAIVE, five_rows


def test_five_rows_are_measured_beside_a_naive_backend_and_every_order_trades(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NAIVE_DATABASE_URL", "NAIVE_BROKER_URL"):
        monkeypatch.setenv(name, "replaced below, and undone afterwards")

    with five_rows(application) as five:
        rows = five.measure(1)

    assert [row.name for row in rows] == [
        "place an order",
        "execute an order",
        f"Greeks of {len(application.market.universes.current())} contracts",
        "get 20 positions",
        "update a portfolio",
    ]
    assert [row.operation for row in rows] == [
        "place_order",
        "execute_order",
        "calculate_greeks",
        "get_positions",
        "update_portfolio",
    ]
    for row in rows:
        assert {name: len(samples) for name, samples in row.samples.items()} == {
            NAIVE: 1,
            ANGEL_X: 1,
        }
    with application.base.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT u.name, o.status, count(*) FROM orders o JOIN users u ON u.id = o.user_id GROUP BY 1, 2"
        )
        assert {tuple(row) for row in found} == {
            ("trades", "filled", 2),
            ("trades-naive", "filled", 2),
        }
        equities = connection.exec_driver_sql("SELECT count(*) FROM portfolios")
        assert equities.scalar_one() == 2
