"""Rows in and rows out on a small scale."""

from __future__ import annotations

from angel_x.bootstrap import Application
from benchmarks.record_rows import export_rows, insert_rows


def test_rows_are_stored_together_and_one_by_one_and_exports_are_streamed(
    application: Application,
) -> None:
    rows = [*insert_rows(application, 1, 3), *export_rows(application, 1, 40)]

    assert [(row.name, row.reference, row.measured) for row in rows] == [
        ("insert 3 greeks", "one by one", "together"),
        ("insert 3 orders", "one by one", "together"),
        ("export 40 fills: time", "all in memory", "streamed"),
        ("export 40 fills: memory", "all in memory", "streamed"),
    ]
    with application.base.engine.connect() as connection:
        counts = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            for table in ("greeks_snapshot", "orders")
        ]
    # One that warms up, three together, three alone.
    assert counts == [7, 7]
