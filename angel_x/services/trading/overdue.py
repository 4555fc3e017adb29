"""Emergency orders that no message has brought to a decision in time: the relay decides them itself.

The message broker may be away, full or cut off from the workers, and an emergency order is a way out.
The claim is that of the workers, so an order that both decide is decided once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger()


#: Counts an attempt for the oldest overdue order of each account, and returns these orders.  The attempt
#: is stored before it is made: an order that ends this process ends it so often only.
TakeOverdue = Callable[[], Sequence[int]]


class OverdueEmergencies:
    """Decides emergency orders without the message broker."""

    def __init__(
        self,
        *,
        take: TakeOverdue,
        decide: Callable[[Sequence[int]], int],
    ) -> None:
        self._take = take
        self._decide = decide

    def look(self) -> int:
        """Decide the overdue emergency orders; return how many; a second call finds none."""
        order_ids = self._take()
        # One account after the other: a lock of one of them must not delay the others' decisions.
        decided = sum(self._decide([order_id]) for order_id in order_ids)
        if order_ids:
            log.warning("emergencies.overdue", accounts=len(order_ids), decided=decided)
        return decided
