"""Answers doorbells, so that a lane needs few of them and an empty one does not delay a lower lane.

A doorbell is not added to a full lane, because the newest one there *represents the lane*: after its
own claim its worker looks for all orders that wait there, except those of accounts that another process
is about to claim.  After a lost doorbell, or the death of a
worker before it rings again, the relay rings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from angel_x.domain.orders.order import Priority
from angel_x.domain.orders.step import Passing, Step, unhindered
from angel_x.services.trading.decided import Decided

#: Finds the ids of orders that wait in a lane, by account; at most as many as the number, without those of
#: some accounts.
FindWaiting = Callable[[Priority, int, Collection[int]], Sequence[Sequence[int]]]
#: Rings for batches of orders until the lane is full, each time for the whole lane.
RingOn = Callable[[Priority, Sequence[Sequence[int]]], object]


class LaneMessages(Protocol):
    """The doorbells that no worker has taken yet."""

    def waiting(self, lane: Priority) -> Sequence[bytes]:
        """Return the doorbells of a lane, save those for exactly some orders."""

    def discard(self, lane: Priority, doorbells: Sequence[bytes]) -> int:
        """Remove doorbells; return how many were still there."""


class Doorbells:
    """Decides the orders of a doorbell, and rings for those that remain."""

    def __init__(
        self,
        *,
        decide: Callable[[Sequence[int]], Decided],
        find_waiting: FindWaiting,
        messages: LaneMessages,
        ring_on: RingOn,
        shuffle: Callable[[list[list[int]]], None],
        batch_size: int,
        most_messages: int,
        at: Passing = unhindered,
    ) -> None:
        self._decide = decide
        self._find_waiting = find_waiting
        self._messages = messages
        self._ring_on = ring_on
        #: Two workers that look at the same moment find the same orders, and should ring for others.
        self._shuffle = shuffle
        self._batch_size = batch_size
        self._most_messages = most_messages
        self._at = at

    def answer(self, order_ids: Sequence[int], lane: Priority, *, stands_for_lane: bool) -> int:
        """Decide the oldest orders of the accounts of these; return how many.

        A second call finds none.  Then the doorbells that wait in the lane are removed as well, and
        the orders that still wait there are rung for again.
        """
        decided = self._decide(order_ids)
        if not decided.orders and not decided.elsewhere:
            self._clear(lane, is_responsible=stands_for_lane)
        elif stands_for_lane or decided.leaves_orders:
            self._ring_for(self._find(lane, decided.elsewhere), lane)
        return decided.orders

    def _clear(self, lane: Priority, *, is_responsible: bool) -> None:
        # Read first, so that the orders of these doorbells are committed before the database is read.
        doorbells = self._messages.waiting(lane)
        if not (doorbells or is_responsible):
            return
        found = self._find(lane)
        if doorbells:
            self._messages.discard(lane, doorbells)
            self._at(Step.LANE_CLEARED)
        self._ring_for(found, lane)

    def _find(
        self, lane: Priority, without: Collection[int] = frozenset()
    ) -> Sequence[Sequence[int]]:
        # More than the lane takes messages, so that there is something to choose from.
        return self._find_waiting(lane, 2 * self._most_messages * self._batch_size, without)

    def _ring_for(self, accounts: Sequence[Sequence[int]], lane: Priority) -> None:
        batches = _packed(accounts, self._batch_size)
        if batches:
            self._shuffle(batches)
            self._ring_on(lane, batches)


def _packed(accounts: Sequence[Sequence[int]], size: int) -> list[list[int]]:
    """Return batches of ``size`` at most, none of which shares an account with another one."""
    batches: list[list[int]] = []
    for order_ids in accounts:
        if not batches or len(batches[-1]) + len(order_ids) > size:
            batches.append([])
        batches[-1] += order_ids[:size]
    return batches
