"""Executing orders: claim, decide, trade and record a batch in one transaction.

A doorbell only says which accounts and lane have work.  A second doorbell for the same orders
finds them decided and trades nothing.

A venue that takes its time is not waited for within the transaction: the orders are committed as
submitting, under a lease and the number of the attempt, and its answer is recorded in a second
transaction if the attempt is still theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from angel_x.domain.book.book import Book
from angel_x.domain.calendar.session import IST
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import Order, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.services.halving import in_halves
from angel_x.services.ports import Clock, Meter
from angel_x.services.trading.aftermath import Aftermath
from angel_x.services.trading.paper_market import PaperMarket
from angel_x.services.units import Unit, Units

log = structlog.get_logger()

ACTOR = "execution"
_RECEIVED = frozenset({OrderStatus.RECEIVED})
_SUBMITTING = frozenset({OrderStatus.SUBMITTING})
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
        sleep: Callable[[float], None],
        claim_limit: int,
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._units = units
        self._market = market
        self._aftermath = aftermath
        self._market_clock = market_clock
        self._meter = meter
        self._monotonic = monotonic
        self._sleep = sleep
        self._claim_limit = claim_limit
        #: Errors of servers, not of orders: the message is given up and the relay rings again.
        self._transient = transient

    def run(self, order_ids: Sequence[int]) -> int:
        """Decide the oldest orders of the lanes that these orders wait in; return how many.

        If a batch raises, it is halved until the order that is to blame stands alone; that one is
        denied with its traceback, and the others are decided.
        """
        started = self._monotonic()
        self._units.at(Step.BATCH_RECEIVED)
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
                return 0
            latency = self._decide(unit, book, orders)
        return self._finish(book, latency)

    def _run_these(self, order_ids: Sequence[int]) -> int:
        """Decide exactly these orders; place those again that nobody heard of."""
        with self._units.begin() as unit:
            orders, book = unit.orders(order_ids, _RECEIVED)
            latency = self._decide(unit, book, orders) if orders else 0.0
        decided = self._finish(book, latency)
        return decided + self._place_again(order_ids)

    def _place_again(self, order_ids: Sequence[int]) -> int:
        """Begin another attempt for orders of which nobody heard; return how many.

        The paper exchange holds nothing that is not in our database: where the attempt before has
        left no fill there, it has traded nothing, and nobody has to be asked.
        """
        with self._units.begin() as unit:
            orders, book = unit.abandoned(order_ids)
            if not orders:
                return 0
            now = self._market_clock()
            standing = [order for order in orders if order.valid_until > now]
            latency = self._market.latency_seconds(standing) if standing else 0.0
            for order in orders:
                if order.valid_until > now:
                    book.resubmit(order)
                else:
                    book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)
            unit.record(book, ACTOR)
            self._units.at(Step.RESUBMISSION_RECORDED)
            unit.commit()
            self._units.at(Step.RESUBMISSION_COMMITTED)
        self._aftermath.tell(book)
        return self._finish(book, latency)

    def park(self, order_ids: Sequence[int], detail: str) -> int:
        """Close orders that cannot be decided, with a traceback that operators can read.

        What waits is denied.  What was sent to the venue and is nobody's any more is rejected: the
        paper exchange knows of no fill that our database does not.
        """
        with self._units.begin() as unit:
            orders, book = unit.orders(order_ids, _RECEIVED)
            parked = self._record_parking(unit, book, orders, detail)
        with self._units.begin() as unit:
            orders, book = unit.abandoned(order_ids)
            return parked + self._record_parking(unit, book, orders, detail)

    def _record_parking(self, unit: Unit, book: Book, orders: Sequence[Order], detail: str) -> int:
        if not orders:
            return 0
        reason, trace = DenialReason.PROCESSING_FAILED, detail[-_TRACEBACK_LENGTH:]
        for order in orders:
            if order.status is OrderStatus.RECEIVED:
                book.deny(order, reason, trace)
            else:
                book.take_off(order, OrderStatus.REJECTED, reason, trace)
            log.error("order.parked", order_id=order.id, detail=detail[-200:])
        unit.record(book, ACTOR)
        self._units.at(Step.PARKING_RECORDED)
        unit.commit()
        self._units.at(Step.PARKING_COMMITTED)
        self._aftermath.tell(book)
        return len(orders)

    def _decide(self, unit: Unit, book: Book, orders: Sequence[Order]) -> float:
        """Decide and commit; return for how many seconds the venue keeps what it was sent."""
        self._units.at(Step.BATCH_CLAIMED)
        started = self._monotonic()
        now = self._market_clock()
        book.begin_day(now.astimezone(IST).date())
        standing = [order for order in orders if order.valid_until > now]
        repeated = unit.duplicates(book.rules.duplicate_windows(standing))
        for order in orders:
            if order.valid_until <= now:
                book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)
            elif order.id in repeated:
                book.deny(order, DenialReason.DUPLICATE_ORDER)
        latency = self._place(book, [order for order in standing if order.id not in repeated])
        self._units.at(Step.BATCH_DECIDED)
        unit.record(book, ACTOR)
        self._units.at(Step.BATCH_RECORDED)
        unit.commit()
        self._units.at(Step.BATCH_COMMITTED)
        self._aftermath.tell(book, self._monotonic() - started)
        self._units.at(Step.BATCH_TOLD)
        return latency

    def _place(self, book: Book, orders: Sequence[Order]) -> float:
        """Trade orders, or send them to a venue that takes its time; return how many seconds."""
        latency = self._market.latency_seconds(orders)
        # What is only sent must not use up what the quote displays.
        offered = self._market.preview(orders) if latency else self._market.terms(orders)
        place = book.submit if latency else book.decide
        for order, terms in zip(orders, offered, strict=True):
            place(order, terms)
        return latency

    def _finish(self, book: Book, latency: float) -> int:
        """Record the venue's answers to what was sent to it; return how many orders have moved."""
        moved = {move.order.id for move in book.moves}
        attempts = {
            order.id: order.attempt
            for order in (move.order for move in book.moves)
            if order.status is OrderStatus.SUBMITTING
        }
        if attempts:
            self._sleep(latency)
            self._units.at(Step.VENUE_ANSWERED)
            in_halves(
                lambda order_ids: self._settle({i: attempts[i] for i in order_ids}),
                list(attempts),
                transient=self._transient,
                give_up=lambda order_id, trace: self._reject(order_id, attempts[order_id], trace),
            )
        return len(moved)

    def _settle(self, attempts: Mapping[int, int]) -> int:
        """Take the venue's answers to those attempts; a later attempt makes them worth nothing."""
        with self._units.begin() as unit:
            orders, book = self._sent(unit, attempts)
            if not orders:
                return 0
            now = self._market_clock()
            book.begin_day(now.astimezone(IST).date())
            standing = [order for order in orders if order.valid_until > now]
            for order in orders:
                if order.valid_until <= now:
                    book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)
            for order, terms in zip(standing, self._market.terms(standing), strict=True):
                book.settle(order, terms)
            unit.record(book, "venue")
            self._units.at(Step.SETTLEMENT_RECORDED)
            unit.commit()
        self._units.at(Step.SETTLEMENT_COMMITTED)
        self._aftermath.tell(book)
        return len(orders)

    def _reject(self, order_id: int, attempt: int, trace: str) -> int:
        """Park an order whose answer cannot be taken, unless another attempt has begun."""
        with self._units.begin() as unit:
            orders, book = self._sent(unit, {order_id: attempt})
            return self._record_parking(unit, book, orders, trace)

    def _sent(self, unit: Unit, attempts: Mapping[int, int]) -> tuple[list[Order], Book]:
        found, book = unit.orders(list(attempts), _SUBMITTING)
        orders = [order for order in found if order.attempt == attempts[order.id]]
        if stale := len(attempts) - len(orders):
            log.warning("attempts.stale", count=stale)
            self._meter.add(Metric.STALE_ATTEMPTS, stale)
        return orders, book

    def _report_unknown(self, unit: Unit, order_ids: Sequence[int]) -> None:
        if unknown := unit.unknown(order_ids):
            log.warning("doorbell.dropped", unknown=len(unknown), example=min(unknown))
            self._meter.add(Metric.MESSAGES_DROPPED, len(unknown), reason="unknown_order")
