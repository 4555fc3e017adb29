"""The report of a storm over live trading, for machines and for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from angel_x.domain.operations.invariant import Invariant
from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import table
from angel_x.rehearsal.chaos.fault import InjectedFault
from angel_x.rehearsal.chaos.live_rules import BothSides, live_rules
from angel_x.rehearsal.chaos.report import Bounds, kinds_of, promises
from angel_x.rehearsal.check import HistoryCheck
from angel_x.rehearsal.proofs import all_hold, rules_document
from angel_x.rehearsal.rendering import print_parts, rules_table


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReport:
    seed: int
    #: Seconds of each part, in the order in which they were.
    phases: Mapping[str, float]
    bounds: Bounds
    #: Of processes and servers; the exchange counts its own.
    faults: Sequence[InjectedFault]
    check: HistoryCheck
    by_status: Mapping[str, int]
    denials: Mapping[str, int]
    #: None where orders were still undecided at the deadline.
    drained_seconds: float | None
    sides: BothSides
    #: Of the books, as the database proves them.
    books: Sequence[Invariant]

    @property
    def verified(self) -> int:
        return sum(fault.is_verified for fault in self.faults)

    @property
    def rules(self) -> list[Invariant]:
        """Return every rule."""
        return [*live_rules(self.sides), *self.books, *promises(self.check), *self._conduct()]

    @property
    def holds(self) -> bool:
        """Return whether every rule holds."""
        return all_hold(self.rules)

    def _conduct(self) -> list[Invariant]:
        return [
            self.bounds.drained_in_time(self.drained_seconds),
            self.bounds.enough_faults(self.verified),
        ]

    def as_document(self) -> dict[str, object]:
        """Return the report as it is printed for machines."""
        exchange = self.sides.exchange
        return {
            "holds": self.holds,
            "seed": self.seed,
            "seconds": self.phases,
            "faults": {
                "asked": self.bounds.faults,
                "verified": self.verified,
                "unverified": len(self.faults) - self.verified,
                "kinds": kinds_of(self.faults),
            },
            "exchange": {
                "orders": sum(exchange.orders.values()),
                "executions": len(exchange.executions),
                "faults": exchange.faults,
                "requests": exchange.let_in,
                "over": exchange.over,
            },
            "reconciliation": self.sides.reconciliation,
            "history": self.check,
            "drained_seconds": self.drained_seconds,
            "by_status": self.by_status,
            "denials": self.denials,
            "rules": rules_document(self.rules),
            "each_fault": self.faults,
        }


def render(report: LiveReport, console: Console) -> None:
    """Print the report for people."""
    print_parts(_parts(report), console)


def _parts(report: LiveReport) -> Iterator[object]:
    exchange = report.sides.exchange
    kinds = kinds_of(report.faults)
    rows = ((kind, str(n["verified"]), str(n["unverified"])) for kind, n in kinds.items())
    yield table("Faults of processes and servers", ("kind", ">verified", ">not verified"), rows)
    yield _counts("Faults of the exchange", exchange.faults)
    yield _counts("Requests within their limits", exchange.let_in)
    counts = {
        "sent": report.check.sent,
        "accepted": report.check.accepted,
        "at the exchange": sum(exchange.orders.values()),
        "executions": len(exchange.executions),
        **report.by_status,
        **{f"denied: {reason}": count for reason, count in report.denials.items()},
    }
    yield _counts("Orders", counts)
    yield rules_table("Rules", report.rules)
    color, word = ("green", "Holds") if report.holds else ("red", "BROKEN")
    yield (
        f"[bold {color}]{word}[/]: {grouped(report.check.accepted)} orders, {report.verified} faults, "
        f"{grouped(sum(exchange.faults.values()))} faults of the exchange, seed {report.seed}."
    )


def _counts(title: str, counts: Mapping[str, int]) -> Table:
    return table(title, ("", ">"), ((name, grouped(count)) for name, count in counts.items()))
