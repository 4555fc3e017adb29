"""What has to hold for every book of every account at every commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule and how many rows break it."""

    name: str
    rule: str
    #: Rows that break the rule.
    broken: int
    #: One of them, to look at first.
    example: str | None

    @property
    def holds(self) -> bool:
        return self.broken == 0
