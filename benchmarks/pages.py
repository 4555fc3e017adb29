"""Writes the tables of docs/benchmarks.md from the run files that they name: ``python -m benchmarks.pages``.

A table stands below a line ``<!-- from: FILE FILE -->``, with files of ``benchmarks/results``.  A run
beside other work is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import rows, scale
from benchmarks.live import live_table
from benchmarks.pricing_table import pricing_table
from benchmarks.tables import (
    account_pages_table,
    fleet_table,
    markdown,
    orders_beside,
    ticks_table,
    universe_table,
)

Run = Mapping[str, Any]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
RESULTS = Path(__file__).resolve().parent / "results"
_TABLE = re.compile(r"(?P<line><!-- from: (?P<files>[^>]+) -->\n)(?:\|.*\n)*")


class BusyRun(Exception):
    """A run beside other work has no figures to publish."""


def written(page: str, results: Path = RESULTS) -> str:
    """Return the page with each table as its run files have it.

    Raises:
        BusyRun: The machine was busy during a run.
    """

    def replaced(found: re.Match[str]) -> str:
        runs = [_read(results / name) for name in found["files"].split()]
        return f"{found['line']}{table(runs)}\n"

    return _TABLE.sub(replaced, page)


def table(runs: Sequence[Run]) -> str:
    """Return the table of one run, or of runs that belong together."""
    for fits, render in _RENDERERS:
        if fits(runs[0]):
            return render(*runs)
    raise ValueError(f"a run of a benchmark with a table, was {sorted(runs[0])}")


def _read(path: Path) -> Run:
    run: Run = json.loads(path.read_text(encoding="utf-8"))
    if run.get("busy"):
        raise BusyRun(f"the machine was busy: {path.name}")
    return run


def _suite(run: Run) -> str:
    return rows.table([rows.row_of(row) for row in run["rows"]])


def _scale(run: Run) -> str:
    # The growth is computed again, and JSON has made the sizes texts.
    return scale.table(
        [
            scale.Growth(
                row["work"],
                row["unit"],
                row["of"],
                {int(size): value for size, value in row["values"].items()},
            )
            for row in run["rows"]
        ]
    )


def _emergency(run: Run) -> str:
    kinds = {
        "idle system": "idle_ms",
        "behind the backlog, from an account of its own": "behind_backlog_ms",
        "behind the backlog, from an account that the backlog is of": "behind_own_backlog_ms",
    }
    points = ("p50", "p95", "p99")
    cells = [
        [label, *(f"{run[kind][point]:.1f} ms" for point in points)]
        for label, kind in kinds.items()
    ]
    return markdown(["", *points], cells)


#: Each kind of run by a test of its document.
_RENDERERS: Sequence[tuple[Callable[[Run], bool], Callable[..., str]]] = (
    (lambda run: "quick" in run, _suite),
    (lambda run: "behind_own_backlog_ms" in run, _emergency),
    (lambda run: "growth" in run.get("rows", [{}])[0], _scale),
    (lambda run: "live_fleets" in run, live_table),
    (lambda run: "marking_ms" in run, fleet_table),
    (lambda run: "pages" in run, account_pages_table),
    (lambda run: "chains" in run, universe_table),
    (lambda run: "replay" in run, ticks_table),
    (lambda run: "without_avx512" in run, pricing_table),
    (lambda run: any("a request" in name for name in run), orders_beside),
)


def main() -> None:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
