"""Matching the orders that rest, once the market has come to their price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import structlog

from angel_x.domain.denial import CancelReason
from angel_x.domain.order import RESTING, OrderStatus
from angel_x.services.aftermath import Aftermath
from angel_x.services.halving import in_halves
from angel_x.services.paper_market import PaperMarket, RestingOrder
from angel_x.services.ports import Clock
from angel_x.services.units import Units

log = structlog.get_logger()

_AT_A_TIME = 250


class RestingOrders(Protocol):
    """Finds the orders that rest."""

    def resting(self) -> Sequence[RestingOrder]:
        """Return all of them, oldest first."""


class Matching:
    """Trades resting orders.  A second call trades only what the market reached since."""

    def __init__(
        self,
        *,
        search: RestingOrders,
        units: Units,
        market: PaperMarket,
        aftermath: Aftermath,
        market_clock: Clock,
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._search = search
        self._units = units
        self._market = market
        self._aftermath = aftermath
        self._market_clock = market_clock
        #: Errors of servers, not of orders.
        self._transient = transient

    def run(self) -> int:
        """Look at every resting order and trade those that cross; return how many."""
        crossing = self._market.crossing(self._search.resting())
        return sum(
            in_halves(
                self._match,
                crossing[i : i + _AT_A_TIME],
                transient=self._transient,
                give_up=_leave,
            )
            for i in range(0, len(crossing), _AT_A_TIME)
        )

    def _match(self, order_ids: Sequence[int]) -> int:
        with self._units.begin() as unit:
            orders, book = unit.orders(order_ids, RESTING)
            if not orders:
                return 0
            now = self._market_clock()
            for order, terms in zip(orders, self._market.terms(orders), strict=True):
                if order.valid_until > now:
                    book.match(order, terms)
                else:
                    # Nobody has come to expire it yet; yesterday's order must not trade today.
                    book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)
            unit.record(book, "matching")
            unit.commit()
        self._aftermath.tell(book)
        return len(book.fills)


def _leave(order_id: int, trace: str) -> int:
    log.error("order.unmatched", order_id=order_id, detail=trace)
    return 0
