"""Two runs of the benchmark, row by row, with the bounds of noise: ``python -m benchmarks.comparing A B``.

The medians of both runs are resampled (bootstrap) by round: a round keeps its sample of the reference
beside that of Angel-X.  Where the reference is code of its own, values are divided by it, so the speed of
the machine cancels.  Exit code 0: nothing is slower; 1: a row is slower.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import Row, row_of

_RESAMPLES = 4_000
#: Rows are many, so one of them is named by chance in seven comparisons of twenty rows.
_LEVEL = 0.99
#: A change that is smaller is none that a user notices.
_LEAST_CHANGE = 0.05
#: Medians of fewer rounds have no bounds.
FEWEST = 6
_SEED = 20_261_130


class Verdict(StrEnum):
    """The result of a comparison."""

    SLOWER = "slower"
    FASTER = "faster"
    NO_DIFFERENCE = "no difference"
    TOO_FEW = "too few rounds"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of two runs."""

    name: str
    unit: str
    before: float
    after: float
    #: The cost in the second run by that in the first one; below one is faster.
    ratio: float
    #: The bounds of the ratio.
    low: float
    high: float
    verdict: Verdict


def compared(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """Compare the rows that both runs have, in the order of the second."""
    earlier = {row.name: row for row in before}
    return [_change(earlier[row.name], row) for row in after if row.name in earlier]


def _change(before: Row, after: Row) -> Change:
    random = np.random.default_rng(_SEED)
    drawn = _costs(after, random) / _costs(before, random)
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    ratio = _cost(after) / _cost(before)
    few = min(len(values) for row in (before, after) for values in row.samples.values()) < FEWEST
    return Change(
        name=after.name,
        unit=after.unit,
        before=before.statistics(before.measured).median,
        after=after.statistics(after.measured).median,
        ratio=round(ratio, 3),
        low=round(float(low), 3),
        high=round(float(high), 3),
        verdict=Verdict.TOO_FEW if few else _verdict(ratio, float(low), float(high)),
    )


def _verdict(ratio: float, low: float, high: float) -> Verdict:
    if abs(ratio - 1) < _LEAST_CHANGE or low <= 1 <= high:
        return Verdict.NO_DIFFERENCE
    return Verdict.SLOWER if ratio > 1 else Verdict.FASTER


def _cost(row: Row) -> float:
    """Return the median cost of a row, as a multiple of its reference where that is a yardstick."""
    values = {variant: np.array([samples]) for variant, samples in row.samples.items()}
    return float(_medians(row, values)[0])


def _costs(row: Row, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the costs of resampled rounds."""
    values, rounds = {}, None
    for variant, samples in row.samples.items():
        size = (_RESAMPLES, len(samples))
        if rounds is None or not row.is_paired:
            rounds = random.integers(0, len(samples), size)
        values[variant] = np.array(samples)[rounds]
    return _medians(row, values)


def _medians(row: Row, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    cost = np.median(values[row.measured], axis=1)
    if row.is_yardstick:
        cost = cost / np.median(values[row.reference], axis=1)
    return 1 / cost if row.more_is_better else cost


def table(changes: Sequence[Change]) -> str:
    """Return the changes as a table."""
    lines = [
        "| | before | after | cost after ÷ before | bounds | |",
        "|---|---:|---:|---:|---|---|",
    ]
    lines += [
        f"| {c.name} | {c.before:.4g} {c.unit} | {c.after:.4g} {c.unit} | {c.ratio:.2f} "
        f"| {c.low:.2f} to {c.high:.2f} | {c.verdict} |"
        for c in changes
    ]
    return "\n".join(lines)


def cautions(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the reasons to distrust a comparison of two documents."""
    found = [
        f"the machine was busy in {name}"
        for name, run in (("the first run", before), ("the second run", after))
        if run["busy"]
    ]
    machines = [{k: run["machine"][k] for k in ("processor", "cores")} for run in (before, after)]
    if machines[0] != machines[1]:
        found.append("the machines differ: only rows with a reference of their own compare")
    if before["quick"] != after["quick"]:
        found.append("one of the runs is quick, so sizes differ")
    return found


def main() -> None:
    """Compare two run files and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--print-json", action="store_true")
    options = parser.parse_args()
    before, after = (_read(path) for path in (options.before, options.after))
    changes = compared(*([row_of(row) for row in run["rows"]] for run in (before, after)))
    doubts = cautions(before, after)
    if options.print_json:
        print(json.dumps({"cautions": doubts, "rows": [asdict(c) for c in changes]}, indent=2))
    else:
        print("\n".join([table(changes), "", *doubts, summary(changes)]))
    sys.exit(any(change.verdict is Verdict.SLOWER for change in changes))


def summary(changes: Sequence[Change]) -> str:
    """Return the result of a comparison as one line."""
    named = [
        f"{verdict}: {', '.join(c.name for c in changes if c.verdict is verdict)}"
        for verdict in (Verdict.SLOWER, Verdict.FASTER)
        if any(c.verdict is verdict for c in changes)
    ]
    return "; ".join(named) or f"no difference beyond noise in {len(changes)} rows"


def _read(path: Path) -> dict[str, Any]:
    """Read a run file.

    Raises:
        SystemExit: The file is missing or is no run of this benchmark.
    """
    try:
        run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        # The names that are used below.
        _ = run["rows"], run["busy"], run["quick"], run["machine"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path} is no run of angel-x bench: {error!r}") from None
    return run


if __name__ == "__main__":
    main()
