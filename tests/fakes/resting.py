"""The contracts in which orders rest, in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass
class MemoryResting:
    """Keeps the published contracts without expiry."""

    noted: set[str] = field(default_factory=set)
    #: Whether there are too many to name.
    is_many: bool = False

    def note(self, symbols: Collection[str]) -> None:
        self.noted |= set(symbols)

    def symbols(self) -> set[str] | None:
        return None if self.is_many else self.noted
