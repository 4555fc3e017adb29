from __future__ import annotations

from benchmarks.crowd.__main__ import KINDS, table


def test_a_table_has_a_row_for_each_crowd() -> None:
    rows = {
        kind.name: {
            "title": f"9 {kind.title}", "alone": [400.0, 410.0, 1.0], "beside": [300.0] * 3,
            "kept": 0.75,
        }
        for kind in KINDS
    }  # fmt: skip

    assert table(rows).splitlines()[2:] == [
        "| 9 requests that arrive a byte a second | 400 | 300 | 75% |",
        "| 9 connections that say nothing | 400 | 300 | 75% |",
        "| 9 connections that ask with invalid keys | 400 | 300 | 75% |",
    ]
