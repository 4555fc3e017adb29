"""What the clients were promised: their own account of every order that was accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

from angel_x.domain.records.statement import OrderReceipt


@dataclass(slots=True)
class Promises:
    """Threads share it."""

    #: Order id by client order id, by account.
    accepted: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    replays: int = 0
    #: Client order ids that were promised two different orders.
    broken: list[str] = field(default_factory=list)
    cancels: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _lock: Lock = field(default_factory=Lock)

    def keep(self, user: str, receipts: Iterable[OrderReceipt]) -> None:
        """Note what was accepted, and whether the same order was promised as before."""
        with self._lock:
            known = self.accepted[user]
            for receipt in receipts:
                before = known.setdefault(receipt.client_order_id, receipt.order_id)
                if before != receipt.order_id:
                    self.broken.append(receipt.client_order_id)

    def count_replay(self, orders: int) -> None:
        with self._lock:
            self.replays += orders

    def count_cancel(self, outcome: str) -> None:
        with self._lock:
            self.cancels[outcome] += 1

    @property
    def count(self) -> int:
        """Orders that were accepted so far."""
        with self._lock:
            return sum(map(len, self.accepted.values()))
