"""The report for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import table
from angel_x.rehearsal.chaos.report import Report


def render(report: Report, console: Console) -> None:
    """Print the report."""
    for part in _parts(report):
        console.print(part, highlight=False)
        console.print()


def _parts(report: Report) -> Iterator[object]:
    yield _faults(report)
    missing = [fault for fault in report.faults if not fault.is_verified]
    if missing:
        rows = ((f.kind, f.target, f"{f.at:.1f}", f.evidence) for f in missing)
        yield table("Not proven, so not counted", ("fault", "target", ">at (s)", "why"), rows)
    yield _orders(report)
    yield _latency(report)
    yield _rules(report)
    yield _verdict(report)


def _faults(report: Report) -> Table:
    rows = [
        (kind, grouped(count["verified"]), grouped(count["unverified"]))
        for kind, count in report.kinds().items()
    ]
    rows.append(("all", grouped(report.verified), grouped(len(report.faults) - report.verified)))
    return table("Faults", ("kind", ">verified", ">not verified"), rows)


def _orders(report: Report) -> Table:
    verdict = report.verdict
    counts = {
        "sent": verdict.sent,
        "accepted": verdict.accepted,
        "refused": verdict.refused,
        "accepted after an unknown answer": verdict.recovered,
        "sent again after they were accepted": verdict.repeated,
        "requests without an answer": verdict.unknown_answers,
        **report.by_status,
        **{f"denied: {reason}": count for reason, count in report.denials.items()},
    }
    return table("Orders", ("", ">"), ((name, grouped(count)) for name, count in counts.items()))


def _latency(report: Report) -> Table:
    rows = (
        (each.priority, grouped(each.orders), f"{each.p50_ms:,.1f} ms", f"{each.p99_ms:,.1f} ms")
        for each in report.latency
    )
    slowest = f"the slowest {report.slowest_seconds:.1f} s"
    title = f"Accepted until closed or working, all outages included, {slowest}"
    return table(title, ("priority", ">orders", ">p50", ">p99"), rows)


def _rules(report: Report) -> Table:
    rows = (
        (
            rule.name,
            rule.rule,
            "[green]holds[/]" if rule.holds else f"[bold red]broken {rule.broken} times[/]",
            rule.example or "",
        )
        for rule in report.rules
    )
    return table("Rules", ("rule", "", "", "example"), rows)


def _verdict(report: Report) -> str:
    verdict, drained = report.verdict, report.drained_seconds
    color, word = ("green", "Holds") if report.holds else ("red", "BROKEN")
    ended = "not drained" if drained is None else f"drained in {drained:.1f} s"
    return (
        f"[bold {color}]{word}[/]: {grouped(verdict.accepted)} orders, {report.verified} faults, "
        f"{len(verdict.lost)} lost, {len(verdict.doubled)} doubled, {ended}, seed {report.seed}."
    )
