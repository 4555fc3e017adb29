"""Executing orders: claim, decide, trade and record a batch in one transaction.

A doorbell only says which accounts and lane have work.  A second doorbell for the same orders
finds them decided and trades nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from angel_x.domain.book import Book
from angel_x.domain.denial import CancelReason, DenialReason
from angel_x.domain.metric import Metric
from angel_x.domain.order import Order, OrderStatus
from angel_x.services.aftermath import Aftermath
from angel_x.services.halving import in_halves
from angel_x.services.paper_market import PaperMarket
from angel_x.services.ports import Clock, Meter
from angel_x.services.units import Unit, Units

log = structlog.get_logger()

ACTOR = "execution"
_RECEIVED = frozenset({OrderStatus.RECEIVED})
_TRACEBACK_LENGTH = 4000


class Execution:
    """Decides the orders that wait."""

    def __init__(
        self,
        *,
        units: Units,
        market: PaperMarket,
        aftermath: Aftermath,
        market_clock: Clock,
        meter: Meter,
        monotonic: Callable[[], float],
        claim_limit: int,
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._units = units
        self._market = market
        self._aftermath = aftermath
        self._market_clock = market_clock
        self._meter = meter
        self._monotonic = monotonic
        self._claim_limit = claim_limit
        #: Errors of servers, not of orders: the message is given up and the relay rings again.
        self._transient = transient

    def run(self, order_ids: Sequence[int]) -> int:
        """Decide the oldest orders of the lanes that these orders wait in; return how many.

        If a batch raises, it is halved until the order that is to blame stands alone; that one is
        denied with its traceback, and the others are decided.
        """
        started = self._monotonic()
        try:
            decided = self._run_claimed(order_ids)
        except self._transient:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one order raises must not stop the rest
            log.warning("claim.failed", orders=len(order_ids), error=repr(error))
            decided = self.run_exactly(order_ids)
        self._meter.observe(Metric.ORDER_PROCESSING_SECONDS, self._monotonic() - started)
        return decided

    def run_exactly(self, order_ids: Sequence[int]) -> int:
        """Decide these orders and none that waits before them; return how many.

        For orders that may stand behind one which ends every process that touches it.
        """
        return in_halves(
            self._run_these,
            order_ids,
            transient=self._transient,
            give_up=lambda order_id, trace: self.park([order_id], trace),
        )

    def _run_claimed(self, order_ids: Sequence[int]) -> int:
        with self._units.begin() as unit:
            orders, book = unit.claim(order_ids, max(self._claim_limit, len(order_ids)))
            if not orders:
                self._report_unknown(unit, order_ids)
            return self._decide(unit, book, orders)

    def _run_these(self, order_ids: Sequence[int]) -> int:
        """Decide exactly these orders."""
        with self._units.begin() as unit:
            orders, book = unit.orders(order_ids, _RECEIVED)
            return self._decide(unit, book, orders)

    def park(self, order_ids: Sequence[int], detail: str) -> int:
        """Deny orders that cannot be decided, with a traceback that operators can read."""
        with self._units.begin() as unit:
            orders, book = unit.orders(order_ids, _RECEIVED)
            for order in orders:
                book.deny(order, DenialReason.PROCESSING_FAILED, detail[-_TRACEBACK_LENGTH:])
                log.error("order.parked", order_id=order.id, detail=detail[-200:])
            unit.record(book, ACTOR)
            unit.commit()
        self._aftermath.tell(book)
        return len(book.moves)

    def _decide(self, unit: Unit, book: Book, orders: Sequence[Order]) -> int:
        if not orders:
            return 0
        started = self._monotonic()
        now = self._market_clock()
        standing = [order for order in orders if order.valid_until > now]
        for order in orders:
            if order.valid_until <= now:
                book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)
        for order, terms in zip(standing, self._market.terms(standing), strict=True):
            book.decide(order, terms)
        unit.record(book, ACTOR)
        unit.commit()
        self._aftermath.tell(book, self._monotonic() - started)
        return len(book.moves)

    def _report_unknown(self, unit: Unit, order_ids: Sequence[int]) -> None:
        if unknown := unit.unknown(order_ids):
            log.warning("doorbell.dropped", unknown=len(unknown), example=min(unknown))
            self._meter.add(Metric.MESSAGES_DROPPED, len(unknown), reason="unknown_order")
