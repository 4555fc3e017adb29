"""The doorbells of the lanes in memory, with the rule of the message broker's script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from angel_x.domain.orders.order import Priority


@dataclass(frozen=True)
class Bell:
    """One doorbell on a list."""

    order_ids: tuple[int, ...]
    stands_for_lane: bool = False


@dataclass
class MemoryLanes:
    """One list a lane; the newest doorbell is the last."""

    bound: int = 3
    bells: dict[Priority, list[Bell]] = field(default_factory=lambda: {p: [] for p in Priority})

    def ring(self, lane: Priority, order_ids: Sequence[int], *, stands: bool = False) -> bool:
        """Add a doorbell; False where one that waits there stands for it."""
        bells = self.bells[lane]
        if len(bells) >= self.bound and bells[-1].stands_for_lane:
            return False
        bells.append(Bell(tuple(order_ids), stands or len(bells) >= self.bound - 1))
        return True

    def ring_on(self, priority: Priority, batches: Sequence[Sequence[int]]) -> bool:
        for batch in batches:
            if not self.ring(priority, batch, stands=True):
                break
        return True

    def take(self, lane: Priority) -> Bell:
        """Take the oldest."""
        return self.bells[lane].pop(0)

    def waiting(self, lane: Priority) -> list[bytes]:
        return [repr(bell).encode() for bell in self.bells[lane]]

    def discard(self, lane: Priority, doorbells: Sequence[bytes]) -> int:
        before = len(self.bells[lane])
        self.bells[lane] = [b for b in self.bells[lane] if repr(b).encode() not in doorbells]
        return before - len(self.bells[lane])
