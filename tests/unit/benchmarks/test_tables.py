from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchmarks.measured import measured
from benchmarks.tables import order_tables, universe_table

MACHINE = {"processor": "P", "cores": 2, "revision": "r", "at": "then"}
LOAD = "1 a request, 8 connections"


def load(*systems: str) -> dict[str, Any]:
    naive = asdict(measured(10.0, {"worker": 5.0}, orders=1000, latencies_ms=[1.5, 1.5]))
    row = asdict(measured(2.0, {"api": 1.0, "metrics": 0.5}, orders=1000, latencies_ms=[1.5, 1.5]))
    bare = {"bare": asdict(measured(1.0, {"loop": 1.0}, orders=1000))}
    ratios = {
        system: {"cpu_an_order_to_bare_loop": 1.5, "orders_per_second_to_naive": 5.0}
        for system in systems
    }
    return {"ratios": ratios, "naive": naive, **dict.fromkeys(systems, row | bare)}


def test_ratios_come_first() -> None:
    printed = order_tables({LOAD: load("angel_x"), "machine": MACHINE, "rounds": [{}]})
    lines = printed.splitlines()

    assert lines[0] == "| ratio | Angel-X |"
    assert f"| {LOAD}: CPU an order ÷ bare loop | 1.5 |" in lines
    assert f"| {LOAD} | Angel-X | 1,000 | 500 | 1,500 µs | 667 | 1.5 ms | 1.5 ms |" in lines
    assert f"| {LOAD} | bare loop | 1,000 | 1,000 | 1,000 µs | 1,000 | | |" in lines
    assert "| API | 1,000 |" in lines
    assert "| rest | 500 |" in lines


def test_another_installation_has_columns_of_its_own() -> None:
    printed = order_tables(
        {
            LOAD: load("before", "angel_x"),
            "idle_latency_ms": {
                name: {"orders": 9, "p50": p50, "p95": 5.0, "p99": 6.0}
                for name, p50 in (("before", 4.0), ("angel_x", 3.0))
            },
            "machine": MACHINE,
            "rounds": [{}],
        }
    )

    assert "| ratio | before | Angel-X |" in printed
    assert f"| {LOAD}: CPU an order ÷ before | 1.0 | 1.0 |" in printed
    assert f"| CPU µs an order | {LOAD} (before) | {LOAD} (Angel-X) |" in printed
    assert "| one order, idle system (before) | 4.0 ms | 5.0 ms | 6.0 ms |" in printed


def test_every_table_has_as_many_cells_in_each_line() -> None:
    result = {LOAD: load("angel_x"), "machine": MACHINE, "rounds": [{}]}
    result["rivals"] = {"dramatiq": load("angel_x")["naive"]}
    tables = [part.splitlines() for part in order_tables(result).split("\n\n") if part[0] == "|"]

    assert len(tables) == 4
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1


def test_a_part_that_was_not_measured_stays_empty() -> None:
    row = {
        "wall_ms": {"least": 50.2, "median": 55.9, "most": 67.0},
        "parts_ms": {"read": 5.7, "compute": 34.1, "write": 27.3, "refresh": 9.5},
        "resident_mb": 147.2,
    }

    assert universe_table({"chains": 602, "numba, 2 processes": row}).splitlines()[-1] == (
        "| numba, 2 processes | 50 ms | 56 ms | 67 ms | 5.7 | 34.1 | 27.3 | 9.5 | | 147 MB |"
    )
