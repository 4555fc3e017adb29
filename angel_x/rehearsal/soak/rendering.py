"""The report for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import table
from angel_x.rehearsal.rendering import latency_table, print_parts, rules_table
from angel_x.rehearsal.soak.record import Trend
from angel_x.rehearsal.soak.report import SoakReport
from angel_x.rehearsal.soak.usage import Measure

_MEBIBYTE = 1024 * 1024


def render(report: SoakReport, console: Console) -> None:
    """Print the report."""
    print_parts(_parts(report), console)


def _parts(report: SoakReport) -> Iterator[object]:
    for measure in Measure:
        yield _trends(measure, [each for each in report.trends if each.measure is measure])
    yield table(
        "Orders", ("", ">"), ((name, grouped(count)) for name, count in report.by_status.items())
    )
    yield latency_table("Accepted until closed or working", report.latency)
    yield rules_table("Rules", report.rules)
    color, word = ("green", "Holds") if report.holds else ("red", "BROKEN")
    orders = grouped(sum(report.by_status.values()))
    yield f"[bold {color}]{word}[/]: {orders} orders in {report.options.minutes:g} minutes."


def _trends(measure: Measure, trends: list[Trend]) -> Table:
    unit, scale = ("MiB", _MEBIBYTE) if measure is Measure.MEMORY else ("", 1)
    title = f"{measure.value.capitalize()} after the warm-up" + (f" ({unit})" if unit else "")
    rows = (
        (
            each.program,
            f"{each.level / scale:,.1f}",
            f"{each.growth.growth / scale:+,.2f}",
            f"{each.growth.low / scale:+,.2f} to {each.growth.high / scale:+,.2f}",
            "grows" if each.is_leak else "",
        )
        for each in trends
    )
    return table(title, ("program", ">mean", ">growth", ">99 % interval", ""), rows)
