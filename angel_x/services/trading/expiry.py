"""Ending orders whose session has closed or whose contract has ceased to trade."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import structlog

from angel_x.domain.book.book import Book
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import OPEN, Order, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.services.halving import in_halves
from angel_x.services.ports import Clock
from angel_x.services.trading.aftermath import Aftermath
from angel_x.services.units import Unit, Units

log = structlog.get_logger()

_AT_A_TIME = 500


class EndedOrders(Protocol):
    """Finds open orders whose validity has ended."""

    def ended(self, now: datetime, limit: int) -> list[int]:
        """Return at most ``limit`` of them."""


class Expiry:
    """Expires orders.  A second call finds nothing left to do."""

    def __init__(
        self,
        *,
        search: EndedOrders,
        units: Units,
        aftermath: Aftermath,
        market_clock: Clock,
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._search = search
        self._units = units
        self._aftermath = aftermath
        self._market_clock = market_clock
        #: Errors of servers, not of orders.
        self._transient = transient

    def run(self) -> int:
        """Expire everything whose validity has ended at the market's time; return how many."""
        expired = 0
        while order_ids := self._search.ended(self._market_clock(), _AT_A_TIME):
            moved = in_halves(self._expire, order_ids, transient=self._transient, give_up=_leave)
            expired += moved
            if not moved:
                break
        if expired:
            log.info("orders.expired", count=expired)
        return expired

    def _expire(self, order_ids: Sequence[int]) -> int:
        with self._units.begin() as unit:
            orders, book = unit.orders(order_ids, OPEN - {OrderStatus.SUBMITTING})
            expired = self._take_off(unit, book, orders)
        if expired < len(order_ids):
            # Sent to the venue, and nobody's any more: whoever comes back with its answer finds it
            # closed.
            with self._units.begin() as unit:
                orders, book = unit.abandoned(order_ids)
                expired += self._take_off(unit, book, orders)
        return expired

    def _take_off(self, unit: Unit, book: Book, orders: Sequence[Order]) -> int:
        if not orders:
            return 0
        self._units.at(Step.EXPIRY_FOUND)
        for order in orders:
            book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)
        unit.record(book, "expiry")
        self._units.at(Step.EXPIRY_RECORDED)
        unit.commit()
        self._units.at(Step.EXPIRY_COMMITTED)
        self._aftermath.tell(book)
        return len(book.moves)


def _leave(order_id: int, trace: str) -> int:
    log.error("order.unexpired", order_id=order_id, detail=trace)
    return 0
