"""An order that is due for another ring of the relay."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.domain.orders.order import Priority


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An order that has waited longer than a doorbell should take."""

    id: int
    priority: Priority
    #: The number of rings of the relay while its queue was empty.
    rings: int
    #: Whether it is on its way to the venue with an expired lease.
    is_abandoned: bool = False
