"""The report of a storm: one document, the same for machines and for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from angel_x.adapters.postgres.tally import DecisionLatency
from angel_x.domain.operations.invariant import Invariant
from angel_x.rehearsal.chaos.fault import InjectedFault
from angel_x.rehearsal.chaos.waits import Waits
from angel_x.rehearsal.check import HistoryCheck
from angel_x.rehearsal.proofs import all_hold, latency_document, rule, rules_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds that a run has to keep."""

    #: Verified faults.
    faults: int
    #: Seconds from the last repair until every accepted order is closed or in the market.
    drain_seconds: float

    def drained_in_time(self, drained_seconds: float | None) -> Invariant:
        """Return the rule of the drain; None stands for orders that were undecided at the deadline."""
        is_late = drained_seconds is None or drained_seconds > self.drain_seconds
        return rule(
            "drained in time",
            f"all is decided {self.drain_seconds:g} s after the last repair",
            [str(drained_seconds)] if is_late else [],
        )

    def enough_faults(self, verified: int) -> Invariant:
        """Return the rule of the number of verified faults."""
        return rule(
            "a storm it was",
            f"at least {self.faults} faults are proven",
            [f"{verified} are"] if verified < self.faults else [],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosReport:
    seed: int
    #: Seconds of each part, in the order in which they were.
    phases: Mapping[str, float]
    bounds: Bounds
    faults: Sequence[InjectedFault]
    check: HistoryCheck
    by_status: Mapping[str, int]
    denials: Mapping[str, int]
    latency: Sequence[DecisionLatency]
    #: None where orders were still undecided at the deadline.
    drained_seconds: float | None
    #: The longest time from acceptance to decision.
    slowest_seconds: float
    #: Of emergency orders, by the kind of fault that went on.
    emergency_waits: Mapping[str, Waits]
    #: Workers that took no message after the storm.
    unresponsive: Sequence[str]
    #: Orders that were decided before an earlier one of the same account and lane.
    overtaken: Sequence[str]
    #: Of the books, as the database proves them.
    books: Sequence[Invariant]

    @property
    def verified(self) -> int:
        return sum(fault.is_verified for fault in self.faults)

    @property
    def rules(self) -> list[Invariant]:
        """Return every rule."""
        return [*self.books, *promises(self.check), *self._conduct()]

    @property
    def holds(self) -> bool:
        """Return whether every rule holds."""
        return all_hold(self.rules)

    def _conduct(self) -> list[Invariant]:
        return [
            self.bounds.drained_in_time(self.drained_seconds),
            rule(
                "first come, first decided",
                "within an account and a lane, as they were accepted",
                self.overtaken,
            ),
            rule(
                "nobody is deaf",
                "every worker takes messages afterwards",
                self.unresponsive,
            ),
            self.bounds.enough_faults(self.verified),
        ]

    def as_document(self) -> dict[str, object]:
        """Return the report as it is printed for machines."""
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
            "history": self.check,
            "drained_seconds": self.drained_seconds,
            "slowest_seconds": self.slowest_seconds,
            "by_status": self.by_status,
            "denials": self.denials,
            "emergency_seconds": self.emergency_waits,
            "latency_ms": latency_document(self.latency),
            "rules": rules_document(self.rules),
            "each_fault": self.faults,
        }


def kinds_of(faults: Sequence[InjectedFault]) -> dict[str, dict[str, int]]:
    """Return how many faults of each kind are proven, and how many are not."""
    proven = Counter(fault.kind for fault in faults if fault.is_verified)
    unproven = Counter(fault.kind for fault in faults if not fault.is_verified)
    return {
        kind: {"verified": proven[kind], "unverified": unproven[kind]}
        for kind in sorted({*proven, *unproven})
    }


def promises(check: HistoryCheck) -> list[Invariant]:
    """Return the rules of the clients' history."""
    return [
        rule("nothing lost", "every order that was answered with success is stored", check.lost),
        rule(
            "nothing doubled", "one id, one order, filled for at most its quantity", check.doubled
        ),
        rule("nothing unexpected", "what is stored is what the client was told", check.unexpected),
        rule("nothing invented", "every stored order was sent by somebody", check.phantom),
        rule("no early success", "success is answered after the commit only", check.premature),
        rule("every question answered", "who asks again gets an answer", check.unresolved),
        rule("the API never hangs", "every request ends within its time", check.hung),
    ]
