"""A message broker in memory that records the doorbells."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from angel_x.domain.orders.order import Priority


@dataclass(frozen=True)
class Ring:
    """One doorbell."""

    priority: Priority
    order_ids: tuple[int, ...]
    exactly: bool = False


@dataclass
class MemoryDispatcher:
    """Keeps every message in the order in which it came; one that is away keeps none."""

    rings: list[Ring] = field(default_factory=list)
    matches: int = 0
    advanced: list[tuple[int, bool]] = field(default_factory=list)
    cancellations: int = 0
    portfolios: list[tuple[int, ...]] = field(default_factory=list)
    chunks: list[tuple[str, int, int, datetime]] = field(default_factory=list)
    is_away: bool = False

    def ring(self, priority: Priority, order_ids: Sequence[int], *, exactly: bool = False) -> bool:
        if not self.is_away:
            self.rings.append(Ring(priority, tuple(order_ids), exactly))
        return not self.is_away

    def match(self) -> bool:
        self.matches += not self.is_away
        return not self.is_away

    def advance(self, workflow_id: int, *, emergency: bool) -> bool:
        if not self.is_away:
            self.advanced.append((workflow_id, emergency))
        return not self.is_away

    def cancel_all(self) -> bool:
        self.cancellations += not self.is_away
        return not self.is_away

    def update_portfolios(self, user_ids: Collection[int]) -> bool:
        if not self.is_away:
            self.portfolios.append(tuple(sorted(user_ids)))
        return not self.is_away

    def value_soon(self, user_ids: Collection[int]) -> bool:
        return self.update_portfolios(user_ids)

    def compute_greeks(
        self,
        version: str,
        chunks: Sequence[tuple[int, int]],
        as_of: datetime,
        expires_seconds: float,
    ) -> int:
        if self.is_away:
            return 0
        self.chunks += [(version, start, stop, as_of) for start, stop in chunks]
        return len(chunks)
