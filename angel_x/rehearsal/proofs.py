"""The rules that a rehearsal proves, and their document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from angel_x.adapters.postgres.tally import DecisionLatency
from angel_x.domain.operations.invariant import Invariant


def rule(name: str, text: str, broken: Sequence[str]) -> Invariant:
    """Return a rule with the cases that break it."""
    return Invariant(name, text, len(broken), broken[0] if broken else None)


def all_hold(rules: Iterable[Invariant]) -> bool:
    return all(each.holds for each in rules)


def rules_document(rules: Iterable[Invariant]) -> list[dict[str, object]]:
    """Return rules as they are printed for machines."""
    return [
        {
            "name": each.name,
            "rule": each.rule,
            "holds": each.holds,
            "broken": each.broken,
            "example": each.example,
        }
        for each in rules
    ]


def latency_document(latency: Iterable[DecisionLatency]) -> dict[str, dict[str, object]]:
    """Return milliseconds by priority as they are printed for machines."""
    return {
        each.priority: {"orders": each.orders, "p50": each.p50_ms, "p99": each.p99_ms}
        for each in latency
    }
