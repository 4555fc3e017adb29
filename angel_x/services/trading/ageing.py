"""Ageing of waiting orders: a lane is not kept waiting for ever by the lanes above it.

Workers take a lane only when those above it are empty, so a steady load of ``normal`` orders would hold up
``low`` ones without an end.  An order that has waited for some seconds is rung for in the lane ``high``,
one doorbell a look, which bounds the delay of fresh orders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from angel_x.domain.orders.order import Priority

#: Finds orders of a lane that have waited for so many seconds, the oldest of each account first.
FindLate = Callable[[Priority, float, int], Sequence[int]]
#: Rings for orders of a lane below in the lane ``high``.
RingAbove = Callable[[Sequence[int]], object]

#: Lanes that are kept waiting by those above them, the lowest first.
_KEPT = (Priority.LOW, Priority.NORMAL)
_ABOVE = {
    Priority.LOW: (Priority.HIGH, Priority.NORMAL),
    Priority.NORMAL: (Priority.HIGH,),
}


class Ageing:
    """Rings for the orders of lanes that others keep waiting."""

    def __init__(
        self,
        *,
        find_late: FindLate,
        ring_above: RingAbove,
        after_seconds: float,
        batch_size: int,
        lane_messages: int,
    ) -> None:
        self._find_late = find_late
        self._ring_above = ring_above
        self._after_seconds = after_seconds
        self._batch_size = batch_size
        self._lane_messages = lane_messages

    def look(self, depths: Mapping[Priority, int]) -> int:
        """Ring once for the lowest lane that is kept waiting; return for how many orders.

        Nothing is asked of the database where no lane is, and nothing is added to a crowded one.
        """
        if depths.get(Priority.HIGH, 0) > self._lane_messages:
            return 0
        for lane in _KEPT:
            if depths.get(lane, 0) and any(depths.get(above, 0) for above in _ABOVE[lane]):
                late = self._find_late(lane, self._after_seconds, self._batch_size)
                if late:
                    self._ring_above(late)
                    return len(late)
        return 0
