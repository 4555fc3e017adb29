"""The report of the demonstration: one document, the same for machines and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from angel_x.adapters.postgres.tally import Latency
from angel_x.domain.chains.option_chain import OptionChain
from angel_x.domain.operations.invariant import Invariant
from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.entrypoints.presentation.positions import MarkedPosition
from angel_x.rehearsal.demo.refusals import Refusal
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
    latency: Sequence[Latency]
    #: Orders without a decision at the deadline.
    undecided: int

    @property
    def orders_per_second(self) -> float:
        return self.accepted / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account at the end."""

    name: str
    portfolio: Portfolio
    positions: Sequence[MarkedPosition]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    seed: int
    #: Seconds of each part, in the order in which they were.
    phases: Mapping[str, float]
    trading: Trading
    refusals: Sequence[Refusal]
    worker_kill: WorkerKill
    scenarios: Sequence[ScenarioResult]
    accounts: Sequence[Account]
    chain: OptionChain
    #: Megabytes by process.
    memory: Mapping[str, Mapping[str, object]]
    #: The rules of the books, of the clients and of the demonstration itself.
    invariants: Sequence[Invariant]
    where_to_look: Sequence[tuple[str, str]]

    @property
    def holds(self) -> bool:
        """Return whether every rule holds."""
        return all_hold(self.invariants)

    def as_document(self) -> dict[str, object]:
        """Return the report as it is printed for machines."""
        return {
            "holds": self.holds,
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
            "where_to_look": dict(self.where_to_look),
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
    refusals: Sequence[Refusal],
    worker_kill: WorkerKill,
    trading: Trading,
    scenarios: Sequence[ScenarioResult],
) -> list[Invariant]:
    """Return the rules of the demonstration itself."""
    wrong = [f"{each.kind}: {each.status}" for each in refusals if not each.is_right]
    alive = [] if worker_kill.is_dead else [str(worker_kill.worker)]
    missing = [] if worker_kill.successor else [str(worker_kill.worker)]
    failed = [f"{each.name}: {each.outcome}" for each in scenarios if not each.holds]
    waiting = [str(trading.undecided)] if trading.undecided else []
    return [
        rule("bad input is refused", "every bad request got the status that it has to get", wrong),
        rule("the worker was killed", "no process of the killed worker is left", alive),
        rule("the worker came back", "another worker took the place of the killed one", missing),
        rule("all is decided", "every accepted order is closed or works in the market", waiting),
        rule(
            "feats succeed",
            "a stop waits, slices add up, a halt holds, a way out ends flat",
            failed,
        ),
    ]
