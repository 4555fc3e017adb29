"""The tables of the page of benchmarks are those of the run files that they name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.pages import PAGE, RESULTS, BusyRun, written
from benchmarks.rows import Row

RUN = {
    "quick": True,
    "busy": False,
    "rows": [
        Row(name="place", unit="ms", reference="naive", measured="Angel-X",
            samples={"naive": [8.0, 10.0, 12.0], "Angel-X": [2.0, 2.5, 3.0]}).as_json()
    ],
}  # fmt: skip


def run_file(folder: Path, **changes: object) -> None:
    (folder / "run.json").write_text(json.dumps({**RUN, **changes}), encoding="utf-8")


def test_the_page_agrees_with_the_run_files_that_it_names() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == written(page)


def test_the_page_names_run_files_and_most_of_them() -> None:
    named = re.findall(r"<!-- from: ([^>]+) -->", PAGE.read_text(encoding="utf-8"))

    assert {name for line in named for name in line.split()} == {
        "orders-one.json",
        "orders-fifty.json",
        "emergency.json",
        "scale-quick.json",
        "universe.json",
        "ticks.json",
        "greeks.json",
    }
    assert all((RESULTS / name).is_file() for line in named for name in line.split())


def test_a_table_is_replaced_by_that_of_its_run_and_nothing_else_changes(tmp_path: Path) -> None:
    run_file(tmp_path)
    page = "before\n\n<!-- from: run.json -->\n| old |\n| 1 |\n\n| other | table |\n"

    first = written(page, tmp_path)

    assert first.splitlines()[:3] == ["before", "", "<!-- from: run.json -->"]
    assert "| place | naive | 3 | 8 | 10 | 12 | 2 | 12 | ms | |" in first
    assert "| | Angel-X | 3 | 2 | 2.5 | 3 | 0.5 | 2.99 | ms | **4** |" in first
    assert "old" not in first
    assert first.endswith("\n\n| other | table |\n")
    assert written(first, tmp_path) == first


def test_a_run_on_a_busy_machine_is_not_published(tmp_path: Path) -> None:
    run_file(tmp_path, busy=True)

    with pytest.raises(BusyRun, match=r"run\.json"):
        written("<!-- from: run.json -->\n", tmp_path)
