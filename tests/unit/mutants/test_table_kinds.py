"""Changes that are planted in market tables."""

from __future__ import annotations

import json

from tests.mutants.table_kinds import table_mutants

TABLE = {
    "source": "a circular",
    "lots": {"NIFTY": [{"from": "2026-01-01", "units": 65}, {"from": "2026-07-01", "units": 75}]},
    "stt": "0.10",
    "hours": {"open": "09:15"},
}


def test_every_cell_and_every_row_changes_alone() -> None:
    source = json.dumps(TABLE)

    tables = [json.loads(m.change(source) or "null") for m in table_mutants("t.json", source)]

    first = {"from": "2026-01-01", "units": 65}
    second = {"from": "2026-07-01", "units": 75}
    lots = [table["lots"]["NIFTY"] for table in tables]
    assert [{**first, "units": 66}, second] in lots
    assert [{**first, "from": "2026-01-02"}, second] in lots
    assert [{**first, "from": "2025-12-31"}, second] in lots
    assert [second] in lots
    assert [first] in lots
    assert "0.11" in [table["stt"] for table in tables]
    assert "09:16" in [table["hours"]["open"] for table in tables]
    assert {table["source"] for table in tables} == {"a circular"}
    assert all(table != TABLE for table in tables)
