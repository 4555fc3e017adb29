"""Ending orders whose session has closed or whose contract has ceased to trade."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from angel_x.domain.book.book import Book
from angel_x.domain.book.claim import Claim
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import ASKED, OPEN, Order, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.services.halving import in_halves
from angel_x.services.ports import Clock
from angel_x.services.trading.transaction import Steps
from angel_x.services.trading.venue_desk import VenueDesk
from angel_x.services.units import Unit

log = structlog.get_logger()

ACTOR = "expiry"
_AT_A_TIME = 500
_STEPS = Steps(
    found=Step.EXPIRY_FOUND, recorded=Step.EXPIRY_RECORDED, committed=Step.EXPIRY_COMMITTED
)


#: Finds the open orders whose validity ended at or before a time, except those that a process has on
#: their way; at most as many as the second argument says.
FindEnded = Callable[[datetime, int], list[int]]


class OrderExpiry:
    """Expires orders.  A second call finds nothing left to do."""

    def __init__(
        self,
        *,
        find_ended: FindEnded,
        desk: VenueDesk,
        market_clock: Clock,
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._find_ended = find_ended
        self._desk = desk
        self._market_clock = market_clock
        #: Errors of servers, not of orders.
        self._transient = transient

    def run(self) -> int:
        """Expire all orders whose validity has ended at market time; return their number."""
        expired = 0
        while order_ids := self._find_ended(self._market_clock(), _AT_A_TIME):
            moved = in_halves(self._expire, order_ids, transient=self._transient, give_up=_leave)
            expired += moved
            if not moved:
                break
        if expired:
            log.info("orders.expired", count=expired)
        return expired

    def _expire(self, order_ids: Sequence[int]) -> int:
        claimed = self._desk.run(
            lambda unit: unit.orders(order_ids, OPEN - ASKED),
            self._end,
            actor=ACTOR,
            steps=_STEPS,
        )
        expired = claimed.book.orders_moved
        if expired < len(order_ids):
            # Sent to the venue, and nobody's any more: whoever comes back with its answer finds it
            # closed.
            expired += self._desk.resolve(order_ids, absent=_end_one, actor=ACTOR, steps=_STEPS)
        return expired

    def _end(self, _unit: Unit, claimed: Claim) -> bool:
        over = CancelReason.VALIDITY_ENDED
        self._desk.withdraw(claimed.book, claimed.orders, over, OrderStatus.EXPIRED)
        return bool(claimed.orders)


def _end_one(book: Book, order: Order) -> None:
    book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)


def _leave(order_id: int, trace: str) -> int:
    log.error("order.unexpired", order_id=order_id, detail=trace)
    return 0
