"""What the storm has shown: one document, the same for machines and for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from angel_x.adapters.postgres.tally import Latency
from angel_x.domain.operations.invariant import Invariant
from angel_x.rehearsal.chaos.fault import Fault
from angel_x.rehearsal.check import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a run has to reach."""

    #: Verified faults.
    faults: int
    #: Seconds from the last repair until every accepted order is closed or in the market.
    drain_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    seed: int
    #: Seconds of each part, in the order in which they were.
    phases: Mapping[str, float]
    bounds: Bounds
    faults: Sequence[Fault]
    verdict: Verdict
    by_status: Mapping[str, int]
    denials: Mapping[str, int]
    latency: Sequence[Latency]
    #: None where orders were still open when the patience was over.
    drained_seconds: float | None
    #: What the order took that waited longest for its decision.
    slowest_seconds: float
    #: Workers that took no message when all was over.
    deaf: Sequence[str]
    #: Orders that were decided before an earlier one of the same account and lane.
    overtaken: Sequence[str]
    #: Of the books, as the database proves them.
    books: Sequence[Invariant]

    @property
    def verified(self) -> int:
        return sum(fault.is_verified for fault in self.faults)

    @property
    def rules(self) -> list[Invariant]:
        """Return everything that has to hold."""
        return [*self.books, *_promises(self.verdict), *self._conduct()]

    @property
    def holds(self) -> bool:
        """Whether everything is as it must be."""
        return all(rule.holds for rule in self.rules)

    def _conduct(self) -> list[Invariant]:
        drained, bound = self.drained_seconds, self.bounds.drain_seconds
        is_late = drained is None or drained > bound
        lacking = self.bounds.faults - self.verified
        return [
            _rule(
                "drained in time",
                f"all is decided {bound:g} s after the last repair",
                [str(drained)] if is_late else [],
            ),
            _rule(
                "first come, first decided",
                "within an account and a lane, as they were accepted",
                self.overtaken,
            ),
            _rule("nobody is deaf", "every worker takes messages afterwards", self.deaf),
            _rule(
                "a storm it was",
                f"at least {self.bounds.faults} faults are proven",
                [f"{self.verified} are"] if lacking > 0 else [],
            ),
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
                "kinds": self.kinds(),
            },
            "history": self.verdict,
            "drained_seconds": self.drained_seconds,
            "slowest_seconds": self.slowest_seconds,
            "by_status": self.by_status,
            "denials": self.denials,
            "latency_ms": {
                each.priority: {"orders": each.orders, "p50": each.p50_ms, "p99": each.p99_ms}
                for each in self.latency
            },
            "rules": [
                {
                    "name": each.name,
                    "rule": each.rule,
                    "broken": each.broken,
                    "example": each.example,
                }
                for each in self.rules
            ],
            "each_fault": self.faults,
        }

    def kinds(self) -> dict[str, dict[str, int]]:
        """Return how many faults of each kind are proven, and how many are not."""
        proven = Counter(fault.kind for fault in self.faults if fault.is_verified)
        unproven = Counter(fault.kind for fault in self.faults if not fault.is_verified)
        return {
            kind: {"verified": proven[kind], "unverified": unproven[kind]}
            for kind in sorted({*proven, *unproven})
        }


def _promises(verdict: Verdict) -> list[Invariant]:
    return [
        _rule("nothing lost", "every order that was answered with success is stored", verdict.lost),
        _rule(
            "nothing doubled", "one id, one order, filled for at most its quantity", verdict.doubled
        ),
        _rule(
            "nothing unexpected", "what is stored is what the client was told", verdict.unexpected
        ),
        _rule("nothing invented", "every stored order was sent by somebody", verdict.phantom),
        _rule("no early success", "success is answered after the commit only", verdict.premature),
        _rule("every question answered", "who asks again gets an answer", verdict.unresolved),
        _rule("the API never hangs", "every request ends within its time", verdict.hung),
    ]


def _rule(name: str, rule: str, broken: Sequence[str]) -> Invariant:
    return Invariant(name, rule, len(broken), broken[0] if broken else None)
