"""The report of a replayed day of expiry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from rich.console import Console
from rich.text import Text

from angel_x.domain.operations.invariant import Invariant
from angel_x.domain.records.contract_note import ContractNote
from angel_x.entrypoints.presentation.contract_note import note_tables
from angel_x.rehearsal.demo.report import DemoOutcome
from angel_x.rehearsal.proofs import all_hold, rules_document
from angel_x.rehearsal.rendering import print_parts, rules_table


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryReport:
    day: date
    note: ContractNote
    invariants: Sequence[Invariant]
    unfinished: Sequence[str]
    #: Seconds of each part, in the order in which they were.
    phases: Mapping[str, float]

    @property
    def outcome(self) -> DemoOutcome:
        if self.unfinished:
            return DemoOutcome.UNFINISHED
        return DemoOutcome.HOLDS if all_hold(self.invariants) else DemoOutcome.BROKEN

    @property
    def holds(self) -> bool:
        """Return whether all is finished and every rule holds."""
        return self.outcome is DemoOutcome.HOLDS

    def as_document(self) -> dict[str, object]:
        """Return the report as it is printed for machines."""
        return {
            "holds": self.holds,
            "outcome": self.outcome,
            "unfinished": self.unfinished,
            "day": self.day,
            "seconds": self.phases,
            "contract_note": self.note,
            "invariants": rules_document(self.invariants),
        }


def render_expiry(report: ExpiryReport, console: Console) -> None:
    """Print the report for people."""
    print_parts(_parts(report), console)


def _parts(report: ExpiryReport) -> Iterator[object]:
    yield from note_tables(report.note)
    yield rules_table("Rules", report.invariants)
    yield _conclusion(report)


def _conclusion(report: ExpiryReport) -> Text:
    if report.outcome is DemoOutcome.HOLDS:
        parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.phases.items())
        return Text(f"{report.day} is settled, and everything holds.  ({parts})", "bold green")
    if report.outcome is DemoOutcome.UNFINISHED:
        return Text(f"NOT FINISHED in time: {', '.join(report.unfinished)}.", "bold yellow")
    broken = sum(not each.holds for each in report.invariants)
    return Text(f"{broken} of {len(report.invariants)} rules are BROKEN.", "bold red")
