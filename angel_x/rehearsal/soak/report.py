"""The report of a soak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from angel_x.adapters.postgres.tally import DecisionLatency
from angel_x.domain.operations.invariant import Invariant
from angel_x.rehearsal.proofs import all_hold, latency_document, rule, rules_document
from angel_x.rehearsal.soak.options import SoakOptions
from angel_x.rehearsal.soak.record import Trend
from angel_x.rehearsal.soak.usage import Measure


@dataclass(frozen=True, kw_only=True)
class SoakReport:
    """The trends of every program, the orders, and the rules that hold or not."""

    options: SoakOptions
    phases: Mapping[str, float]
    #: Seconds between two samples.
    interval: float
    trends: Sequence[Trend]
    #: Programs that run and have too few samples to be judged.
    unjudged: Sequence[str]
    by_status: Mapping[str, int]
    latency: Sequence[DecisionLatency]
    undecided: int
    books: Sequence[Invariant]

    @cached_property
    def rules(self) -> Sequence[Invariant]:
        return [*self._growth(), *self._orders(), *self.books]

    @property
    def holds(self) -> bool:
        """Return whether every rule holds."""
        return all_hold(self.rules)

    def _growth(self) -> Iterator[Invariant]:
        for measure in Measure:
            yield rule(
                f"{measure} of no program grows",
                "the growth after the warm-up is not surely above zero",
                [t.program for t in self.trends if t.measure is measure and t.is_leak],
            )
        yield rule("every program is judged", "each has enough samples", self.unjudged)

    def _orders(self) -> Iterator[Invariant]:
        left = [f"{self.undecided} are not"] if self.undecided else []
        yield rule("every order is decided", "none waits after the load", left)

    def as_document(self) -> dict[str, object]:
        """Return the report as it is printed for machines."""
        return {
            "holds": self.holds,
            "minutes": self.options.minutes,
            "orders_per_second": self.options.orders_per_second,
            "seed": self.options.seed,
            "interval_seconds": self.interval,
            "seconds": self.phases,
            "by_status": self.by_status,
            "latency_ms": latency_document(self.latency),
            "rules": rules_document(self.rules),
            "trends": [
                {
                    "program": each.program,
                    "measure": each.measure,
                    "level": round(each.level, 1),
                    "growth": round(each.growth.growth, 1),
                    "low": round(each.growth.low, 1),
                    "high": round(each.growth.high, 1),
                    "is_leak": each.is_leak,
                }
                for each in self.trends
            ],
        }
