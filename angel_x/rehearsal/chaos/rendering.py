"""The report for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import table
from angel_x.rehearsal.chaos.report import ChaosReport, kinds_of
from angel_x.rehearsal.chaos.waits import Waits
from angel_x.rehearsal.rendering import latency_table, print_parts, rules_table


def render(report: ChaosReport, console: Console) -> None:
    """Print the report."""
    print_parts(_parts(report), console)


def _parts(report: ChaosReport) -> Iterator[object]:
    yield _faults(report)
    missing = [fault for fault in report.faults if not fault.is_verified]
    if missing:
        rows = ((f.kind, f.target, f"{f.at:.1f}", f.evidence) for f in missing)
        yield table("Not proven, so not counted", ("fault", "target", ">at (s)", "why"), rows)
    yield _orders(report)
    yield _latency(report)
    yield rules_table("Rules", report.rules)
    yield _conclusion(report)


def _faults(report: ChaosReport) -> Table:
    rows = [
        (
            kind,
            grouped(count["verified"]),
            grouped(count["unverified"]),
            *_emergencies(report.emergency_waits.get(kind)),
        )
        for kind, count in kinds_of(report.faults).items()
    ]
    unverified = grouped(len(report.faults) - report.verified)
    rows.append(("all", grouped(report.verified), unverified, *_emergencies(None)))
    columns = (
        ">verified",
        ">not verified",
        ">emergency orders",
        ">p50 (s)",
        ">p99 (s)",
        ">slowest",
    )
    return table(
        "Faults, and the emergency orders that waited during them", ("kind", *columns), rows
    )


def _emergencies(waits: Waits | None) -> tuple[str, ...]:
    if waits is None:
        return ("", "", "", "")
    return (grouped(waits.orders), *(f"{s:.2f}" for s in (waits.p50, waits.p99, waits.slowest)))


def _orders(report: ChaosReport) -> Table:
    check = report.check
    counts = {
        "sent": check.sent,
        "accepted": check.accepted,
        "refused": check.refused,
        "accepted after an unknown answer": check.recovered,
        "sent again after they were accepted": check.repeated,
        "requests without an answer": check.unknown_answers,
        **report.by_status,
        **{f"denied: {reason}": count for reason, count in report.denials.items()},
    }
    return table("Orders", ("", ">"), ((name, grouped(count)) for name, count in counts.items()))


def _latency(report: ChaosReport) -> Table:
    slowest = f"the slowest {report.slowest_seconds:.1f} s"
    title = f"Accepted until closed or working, all outages included, {slowest}"
    return latency_table(title, report.latency)


def _conclusion(report: ChaosReport) -> str:
    check, drained = report.check, report.drained_seconds
    color, word = ("green", "Holds") if report.holds else ("red", "BROKEN")
    ended = "not drained" if drained is None else f"drained in {drained:.1f} s"
    return (
        f"[bold {color}]{word}[/]: {grouped(check.accepted)} orders, {report.verified} faults, "
        f"{len(check.lost)} lost, {len(check.doubled)} doubled, {ended}, seed {report.seed}."
    )
