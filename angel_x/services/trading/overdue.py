"""Emergency orders that no message has brought to a decision in time: the relay decides them itself.

The message broker may be away, full or cut off from the workers, and an emergency order is a way out.
The claim is that of the workers, so an order that both decide is decided once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

log = structlog.get_logger()


class OverdueOrders(Protocol):
    """Finds emergency orders that are overdue."""

    def take(self, *, after_seconds: float, attempts: int) -> Sequence[int]:
        """Count an attempt for the oldest overdue order of each account; return these orders.

        An account that another transaction holds is left out, and an order without attempts left.
        The attempt is stored before it is made: an order that ends this process ends it so often only.
        """


class OverdueEmergencies:
    """Decides emergency orders without the message broker."""

    def __init__(
        self,
        *,
        orders: OverdueOrders,
        decide: Callable[[Sequence[int]], int],
        after_seconds: float,
        attempts: int,
    ) -> None:
        self._orders = orders
        self._decide = decide
        self._after_seconds = after_seconds
        self._attempts = attempts

    def look(self) -> int:
        """Decide the overdue emergency orders; return how many; a second call finds none."""
        order_ids = self._orders.take(after_seconds=self._after_seconds, attempts=self._attempts)
        # One account after the other: a lock of one of them must not delay the others' decisions.
        decided = sum(self._decide([order_id]) for order_id in order_ids)
        if order_ids:
            log.warning("emergencies.overdue", accounts=len(order_ids), decided=decided)
        return decided
