"""Results of the invariants, which hold for every account at every commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule with the number of rows that break it."""

    name: str
    rule: str
    #: Rows that break the rule.
    broken: int
    #: One of these rows.
    example: str | None

    @property
    def holds(self) -> bool:
        return self.broken == 0
