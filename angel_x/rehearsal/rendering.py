"""The parts that the reports for people share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from angel_x.adapters.postgres.tally import DecisionLatency
from angel_x.domain.operations.invariant import Invariant
from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import table


def print_parts(parts: Iterable[object], console: Console) -> None:
    """Print parts with an empty line behind each."""
    for part in parts:
        console.print(part, highlight=False)
        console.print()


def latency_table(title: str, latency: Sequence[DecisionLatency]) -> Table:
    """Return the time from acceptance to decision by priority."""
    rows = (
        (each.priority, grouped(each.orders), f"{each.p50_ms:,.1f} ms", f"{each.p99_ms:,.1f} ms")
        for each in latency
    )
    return table(title, ("priority", ">orders", ">p50", ">p99"), rows)


def rules_table(title: str, rules: Iterable[Invariant]) -> Table:
    """Return every rule with its result and, where it is broken, an example."""
    made = table(title, ("", "name", "rule"), ())
    for each in rules:
        made.add_row(_mark(each), each.name, _result(each))
    return made


def _mark(rule: Invariant) -> Text:
    return Text("✓", "bold green") if rule.holds else Text("✗", "bold red")


def _result(rule: Invariant) -> str:
    if rule.holds:
        return rule.rule
    return f"{rule.rule}: BROKEN {grouped(rule.broken)} times, such as {rule.example}"
