"""The benchmark as a whole: ``python -m benchmarks.suite [--quick] [--only PART] [--json FILE]``, or ``angel-x bench``.

Each row is measured in two variants in the same run, in turn where that is possible.  The run is kept as
JSON with every sample.  A run beside other work says so (``busy``), and its figures are not published.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.machine import described, write
from benchmarks.rows import Row, table
from benchmarks.sections import FULL, QUICK, SECTIONS, Sizes

#: The share of the cores that other programs use on an idle machine at most.
_IDLE = 0.10
_LOOK_SECONDS = 1.0


def measured(parts: Sequence[str], sizes: Sizes) -> dict[str, object]:
    """Measure parts of the benchmark one after the other; return the document of the run."""
    before = used_by_others()
    rows: list[Row] = []
    seconds = {}
    for name in parts:
        started = time.monotonic()
        rows += SECTIONS[name](sizes)
        seconds[name] = round(time.monotonic() - started, 1)
        print(f"{name}: {seconds[name]} s", file=sys.stderr, flush=True)
    others = [before, used_by_others()]
    return {
        "machine": described(),
        "quick": sizes is QUICK,
        "busy": max(others) > _IDLE,
        #: Before the first part and after the last one.
        "used_by_others": others,
        "seconds": seconds,
        "rows": [row.as_json() for row in rows],
        "table": table(rows).splitlines(),
    }


def used_by_others() -> float:
    """Return the share of all cores in use, while nothing of ours runs."""
    return round(psutil.cpu_percent(_LOOK_SECONDS) / 100, 3)


def main() -> None:
    """Measure, print, and keep the run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, less than two minutes")
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="PART")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--print-json", action="store_true")
    options = parser.parse_args()
    run = measured(options.only or list(SECTIONS), QUICK if options.quick else FULL)
    lines = run.pop("table")
    assert isinstance(lines, list)
    write(options.json, run)
    print(json.dumps(run, indent=2) if options.print_json else "\n".join(lines))
    if run["busy"]:
        print("other programs ran: these figures are for comparison only", file=sys.stderr)


if __name__ == "__main__":
    main()
