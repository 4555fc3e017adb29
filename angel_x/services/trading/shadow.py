"""Shadow mode: paper twins move beside live orders, and can neither delay nor fail them.

Everything that may wait or raise happens in a thread of its own; the thread that trades only hands work
over.  An error of the shadow is counted and logged at this border.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy

import structlog

from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.order import Order
from angel_x.services.ports import Meter
from angel_x.services.trading.paper_twins import PaperTwins

log = structlog.get_logger()

#: Seconds in which a request leaves for the exchange.  Work of the shadow begins afterwards, because both
#: threads share one interpreter: a request that has passed its last check must not wait for its turn.
_LEAVING_SECONDS = 0.05
#: Seconds after which quotes are not those of the moment of an order any more.
_LATE_SECONDS = 2.0
#: Seconds between two looks at resting twins.
_PACE_SECONDS = 1.0

#: Hands work to another thread, which does it in order; returns False where too much waits already.
HandOver = Callable[[Callable[[], None]], bool]


class Shadow:
    """Moves twins in another thread; no method raises or waits.

    A twin that could not be decided within two seconds is none: it would be compared at other quotes.
    """

    def __init__(
        self,
        twins: PaperTwins,
        *,
        hand_over: HandOver,
        meter: Meter,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._twins = twins
        self._hand_over = hand_over
        self._meter = meter
        self._monotonic = monotonic
        self._sleep = sleep
        self._followed_at = float("-inf")

    def arrive(self, orders: Sequence[Order]) -> None:
        """Let the twins of orders arrive that are sent to the exchange now."""
        # The caller may move its orders before the thread reads them.
        end, orders = self._monotonic() + _LATE_SECONDS, tuple(map(copy, orders))

        def work() -> None:
            if late := self._twins.arrive(orders, lambda: self._monotonic() <= end):
                self._miss("late", late)

        self._put(work, len(orders))

    def amend(self, changes: Sequence[tuple[Order, Amendment]]) -> None:
        """Amend the twins of orders whose amendment is requested now."""
        wanted = tuple(changes)
        self._put(lambda: self._twins.amend(wanted), len(wanted))

    def cancel(self, orders: Sequence[Order]) -> None:
        """Cancel the twins of orders whose cancellation is requested now."""
        leaving = tuple(orders)
        self._put(lambda: self._twins.cancel(leaving), len(leaving))

    def follow(self) -> None:
        """Move the resting twins with the market; within a second of the last time nothing is done."""
        now = self._monotonic()
        if now - self._followed_at >= _PACE_SECONDS:
            self._followed_at = now
            self._put(self._twins.follow, 1)

    def _put(self, work: Callable[[], None], count: int) -> None:
        if not count:
            return
        begins_at = self._monotonic() + _LEAVING_SECONDS
        try:
            if not self._hand_over(lambda: self._do(work, count, begins_at)):
                self._miss("full", count)
        except Exception:
            log.exception("shadow.failed", count=count)
            self._miss("failed", count)

    def _do(self, work: Callable[[], None], count: int, begins_at: float) -> None:
        try:
            self._sleep(max(0.0, begins_at - self._monotonic()))
            work()
        except Exception:
            log.exception("shadow.failed", count=count)
            self._miss("failed", count)

    def _miss(self, reason: str, count: int) -> None:
        self._meter.add(Metric.SHADOW_MISSED, count, reason=reason)
