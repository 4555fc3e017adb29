"""The report of a run: what was noticed, by area, and every change that was not."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.mutants.areas import AREAS
from tests.mutants.planting import Finding, Outcome

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
_HEADER = ("area", "planted", "equivalent", "noticed by unit tests", "by integration tests",
           "by whole processes", "unnoticed", "noticed")  # fmt: skip


def equivalents(path: Path = EQUIVALENT) -> dict[str, str]:
    """Return why a change makes no difference that anyone could see, by the name of the change."""
    listed = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    return {row["name"]: row["reason"] for row in listed}


def table(findings: Sequence[Finding], reasons: Mapping[str, str]) -> str:
    """Return the findings by area, as a table in Markdown."""
    rows = [
        _row(area.name, [f for f in findings if f.area == area.name], reasons) for area in AREAS
    ]
    rows = [row for row in rows if row[1] != "0"]
    rows.append(_row("**all**", findings, reasons))
    lines = [_line(_HEADER), _line(["---", *["---:"] * (len(_HEADER) - 1)])]
    return "\n".join([*lines, *map(_line, rows)])


def unnoticed(findings: Iterable[Finding], reasons: Mapping[str, str]) -> str:
    """Return the changes that no test noticed and that no reason excuses, as a list."""
    return "\n".join(
        f"- `{f.name}` {f.path}, {f.place or 'module'}, {f.kind}: `{f.before}` → `{f.after}`"
        for f in findings
        if f.outcome == Outcome.UNNOTICED and f.name not in reasons
    )


def share(findings: Iterable[Finding], reasons: Mapping[str, str]) -> float:
    """Return the part of the changes that was noticed, equivalent ones left out, 1.0 of none."""
    counted = [f for f in findings if _counts(f, reasons)]
    noticed = sum(f.outcome != Outcome.UNNOTICED for f in counted)
    return noticed / len(counted) if counted else 1.0


def _counts(finding: Finding, reasons: Mapping[str, str]) -> bool:
    is_excused = finding.outcome == Outcome.UNNOTICED and finding.name in reasons
    return finding.outcome != Outcome.NONE and not is_excused


def _row(name: str, findings: Sequence[Finding], reasons: Mapping[str, str]) -> list[str]:
    planted = [f for f in findings if f.outcome != Outcome.NONE]
    stages = Counter(f.stage for f in planted if f.outcome != Outcome.UNNOTICED)
    missed = [f for f in planted if f.outcome == Outcome.UNNOTICED]
    excused = sum(f.name in reasons for f in missed)
    counts = [
        len(planted), excused, stages["unit"], stages["integration"], stages["wider"],
        len(missed) - excused,
    ]  # fmt: skip
    return [name, *map(str, counts), f"{share(planted, reasons):.1%}"]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
