"""The benchmark of a fleet of accounts, on a small fleet."""

from __future__ import annotations

from typing import Any

from angel_x.bootstrap import Application
from benchmarks.fleet import FleetBench
from benchmarks.tables import fleet_table


def test_each_round_marks_and_values_every_account_at_another_market(
    application: Application,
) -> None:
    bench = FleetBench(application, accounts=3, positions=4)

    def margins() -> list[tuple[Any, ...]]:
        with application.base.engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT u.id, u.margin_used, p.unrealised_pnl FROM users u JOIN portfolios p ON p.user_id = u.id ORDER BY u.id"
            )
            return [tuple(row) for row in found]

    bench.mark()
    bench.update()
    before = margins()
    measured = bench.measure(2)

    assert [row[0] for row in before] == bench.user_ids
    assert all(row[1] > 0 for row in before)
    assert not {*before} & {*margins()}
    assert "3 accounts of 4 positions" in fleet_table({"accounts": 3, "positions": 4, **measured})
