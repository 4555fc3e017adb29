"""The report of the demonstration: one document, the same for machines and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from angel_x.adapters.postgres.tally import DecisionLatency
from angel_x.domain.chains.chain_record import OptionChain
from angel_x.domain.operations.invariant import Invariant
from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.entrypoints.presentation.positions import MarkedPosition
from angel_x.rehearsal.demo.refusals import DemoRefusal
from angel_x.rehearsal.demo.scenarios import ScenarioResult
from angel_x.rehearsal.demo.worker_kill import WorkerKill
from angel_x.rehearsal.proofs import all_hold, latency_document, rule, rules_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """The orders that were submitted, by their outcome."""

    accepted: int
    #: Orders sent once more under the same id, which traded nothing twice.
    replayed: int
    by_status: Mapping[str, int]
    denials: Mapping[str, int]
    cancels: Mapping[str, int]
    #: Seconds from the first acceptance to the last decision.
    seconds: float
    latency: Sequence[DecisionLatency]
    #: Orders without a decision at the deadline.
    undecided: int

    @property
    def orders_per_second(self) -> float:
        return self.accepted / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """One account at the end."""

    name: str
    portfolio: Portfolio
    positions: Sequence[MarkedPosition]


class DemoOutcome(StrEnum):
    """The outcome of a demonstration."""

    HOLDS = "holds"
    #: Every rule holds so far, and something was not finished in time.
    UNFINISHED = "unfinished"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    seed: int
    #: Seconds of each part, in the order in which they were.
    phases: Mapping[str, float]
    trading: Trading
    refusals: Sequence[DemoRefusal]
    worker_kill: WorkerKill
    scenarios: Sequence[ScenarioResult]
    accounts: Sequence[AccountReport]
    chain: OptionChain
    #: Megabytes by process.
    memory: Mapping[str, Mapping[str, object]]
    #: The rules of the books, of the clients and of the demonstration itself.
    invariants: Sequence[Invariant]
    #: The subjects of the waits that gave up.
    unfinished: Sequence[str]
    where_to_look: Sequence[tuple[str, str]]

    @property
    def outcome(self) -> DemoOutcome:
        if not all_hold(self.invariants):
            return DemoOutcome.BROKEN
        return DemoOutcome.UNFINISHED if self.unfinished else DemoOutcome.HOLDS

    @property
    def holds(self) -> bool:
        """Return whether all is finished and every rule holds."""
        return self.outcome is DemoOutcome.HOLDS

    def as_document(self, *, runs: bool) -> dict[str, object]:
        """Return the report as it is printed for machines; ``runs`` is whether the system runs."""
        return {
            "holds": self.holds,
            "outcome": self.outcome,
            "unfinished": self.unfinished,
            "seed": self.seed,
            "seconds": self.phases,
            "orders": self._orders(),
            "latency_ms": latency_document(self.trading.latency),
            "refusals": [
                {"kind": each.kind, "expected": each.expected, "status": each.status}
                for each in self.refusals
            ],
            "killed_worker": self.worker_kill,
            "feats": self.scenarios,
            "accounts": self.accounts,
            "chain": self.chain,
            "memory": self.memory,
            "invariants": rules_document(self.invariants),
            "where_to_look": dict(self.where_to_look) if runs else {},
        }

    def _orders(self) -> dict[str, object]:
        trading = self.trading
        return {
            "accepted": trading.accepted,
            "replayed": trading.replayed,
            "refused": len(self.refusals),
            "by_status": trading.by_status,
            "denials": trading.denials,
            "cancels": trading.cancels,
            "seconds": round(trading.seconds, 3),
            "per_second": round(trading.orders_per_second, 1),
        }


def promise_rules(
    lost: Sequence[str], doubled: Sequence[str], unknown: Sequence[str]
) -> list[Invariant]:
    """Return the rules that only the clients can check."""
    return [
        rule("nothing lost", "every order that a client saw accepted is stored", lost),
        rule("nothing doubled", "no client order id names two orders", doubled),
        rule("nothing invented", "every stored order is one that a client saw accepted", unknown),
    ]


def conduct_rules(
    refusals: Sequence[DemoRefusal],
    worker_kill: WorkerKill,
    trading: Trading,
    scenarios: Sequence[ScenarioResult],
) -> list[Invariant]:
    """Return the rules of the demonstration itself, without those that are not finished."""
    wrong = [f"{r.kind}: {r.status}" for r in refusals if r.is_answered and not r.is_right]
    failed = [f"{s.name}: {s.outcome}" for s in scenarios if s.is_finished and not s.holds]
    finished = [
        (worker_kill.is_dead, "the worker was killed", "no process of the killed worker is left"),
        (
            worker_kill.successor is not None,
            "the worker came back",
            "another worker took the place of the killed one",
        ),
        (
            not trading.undecided,
            "all is decided",
            "every accepted order is closed or works in the market",
        ),
    ]
    return [
        rule("bad input is refused", "every bad request got the status that it has to get", wrong),
        *(rule(name, text, ()) for is_finished, name, text in finished if is_finished),
        rule(
            "feats succeed",
            "a stop waits, slices add up, a halt holds, a way out ends flat",
            failed,
        ),
    ]
