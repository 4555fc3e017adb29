"""The doorbells of the relay in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from angel_x.domain.orders.order import Priority


@dataclass
class MemoryBells:
    """Keeps every message, as long as the message broker takes them."""

    #: Lane, orders, and whether for exactly those.
    rung: list[tuple[Priority, list[int], bool]] = field(default_factory=list)
    #: Batches that were rung for with all other orders of their lane.
    for_lane: list[list[int]] = field(default_factory=list)
    #: Workflows, and whether as an emergency.
    advanced: list[tuple[int, bool]] = field(default_factory=list)
    #: How many messages more the message broker takes; None for as many as there are.
    takes: int | None = None
    #: How often it was asked to take one.
    asked: int = 0
    #: Done while it takes one.
    meanwhile: Callable[[], object] = lambda: None

    def ring(self, priority: Priority, order_ids: Sequence[int], *, exactly: bool = False) -> bool:
        is_taken = self._take()
        if is_taken:
            self.rung.append((priority, list(order_ids), exactly))
        return is_taken

    def ring_on(self, priority: Priority, batches: Sequence[Sequence[int]]) -> bool:
        is_taken = self._take()
        if is_taken:
            self.rung += [(priority, list(batch), False) for batch in batches]
            self.for_lane += [list(batch) for batch in batches]
        return is_taken

    def advance(self, workflow_id: int, *, emergency: bool) -> bool:
        is_taken = self._take()
        if is_taken:
            self.advanced.append((workflow_id, emergency))
        return is_taken

    def _take(self) -> bool:
        self.asked += 1
        self.meanwhile()
        if self.takes == 0:
            return False
        if self.takes is not None:
            self.takes -= 1
        return True
