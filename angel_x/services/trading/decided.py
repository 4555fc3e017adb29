"""The result of a doorbell."""

from __future__ import annotations

from typing import NamedTuple


class Decided(NamedTuple):
    """Counts of the claims of one doorbell."""

    #: The number of decided orders.
    orders: int
    #: A claim was filled, so orders of its accounts may wait still.
    leaves_orders: bool = False
    #: Accounts whose waiting orders another process claims, which waits for their lock already.
    elsewhere: frozenset[int] = frozenset()
