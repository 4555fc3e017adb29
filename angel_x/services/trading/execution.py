"""Executing orders: claim, decide, trade and record a batch in one transaction.

A doorbell only names accounts and lane with waiting orders.  A second doorbell for the same orders
finds them decided and trades nothing.

A transaction does not wait for a venue that answers later: the orders are committed as submitting, and :class:`VenueDesk` sends them and records the answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from angel_x.domain.book.book import Book
from angel_x.domain.book.claim import Claim, share_of
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import Order, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.services.halving import in_halves
from angel_x.services.ports import Clock, Meter
from angel_x.services.trading.decided import Decided
from angel_x.services.trading.transaction import Steps
from angel_x.services.trading.venue import Venue
from angel_x.services.trading.venue_desk import VenueDesk
from angel_x.services.trading_hours import TradingHours
from angel_x.services.units import Unit, Units

log = structlog.get_logger()

ACTOR = "execution"
_RECEIVED = frozenset({OrderStatus.RECEIVED})
_BATCH = Steps(
    found=Step.BATCH_CLAIMED,
    decided=Step.BATCH_DECIDED,
    recorded=Step.BATCH_RECORDED,
    committed=Step.BATCH_COMMITTED,
    told=Step.BATCH_TOLD,
)
_RESUBMISSION = Steps(recorded=Step.RESUBMISSION_RECORDED, committed=Step.RESUBMISSION_COMMITTED)


class Execution:
    """Decides the orders that wait."""

    def __init__(
        self,
        *,
        desk: VenueDesk,
        venue: Venue,
        market_clock: Clock,
        hours: TradingHours,
        meter: Meter,
        monotonic: Callable[[], float],
        units: Units,
        claim_limit: int,
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._desk = desk
        self._venue = venue
        self._market_clock = market_clock
        self._hours = hours
        self._meter = meter
        self._monotonic = monotonic
        self._units = units
        self._claim_limit = claim_limit
        #: Errors of servers, not of orders: the message is given up and the relay rings again.
        self._transient = transient

    def run(self, order_ids: Sequence[int]) -> int:
        """Decide the oldest orders of the lanes of these orders; return the number of decided ones."""
        return self.answer(order_ids).orders

    def answer(self, order_ids: Sequence[int]) -> Decided:
        """Decide the oldest orders of the lanes of these orders.

        Accounts that another transaction holds are waited for after the others are decided, and by one
        process only.  A batch that raises is halved until the failing order is alone; it is denied with
        its traceback, and the others are decided.
        """
        started = self._monotonic()
        self._units.at(Step.BATCH_RECEIVED)
        try:
            decided = self._answer(order_ids)
        except self._transient:
            raise
        except Exception as error:  # noqa: BLE001 - an error of one order must not stop the others
            log.warning("claim.failed", orders=len(order_ids), error=repr(error))
            decided = Decided(self.run_exactly(order_ids))
        self._meter.observe(Metric.ORDER_PROCESSING_SECONDS, self._monotonic() - started)
        return decided

    def run_exactly(self, order_ids: Sequence[int]) -> int:
        """Decide exactly these orders; return the number of decided ones.

        For orders that may wait behind an order which ends every process that decides it.
        """
        return in_halves(
            self._run_these,
            order_ids,
            transient=self._transient,
            give_up=lambda order_id, trace: self.park([order_id], trace),
        )

    def park(self, order_ids: Sequence[int], detail: str) -> int:
        """Close orders that cannot be decided, with a traceback for operators.

        A received order is denied.  An order that was sent to the venue, and whose lease has expired,
        is rejected if the venue does not have it.
        """
        waiting = self._desk.park(lambda unit: unit.orders(order_ids, _RECEIVED), detail)
        return waiting + self._desk.park_abandoned(order_ids, detail)

    def _answer(self, order_ids: Sequence[int]) -> Decided:
        decided, busy = self._run_claimed(order_ids)
        orders, leaves_orders, elsewhere = decided.orders, decided.leaves_orders, set[int]()
        while busy:
            user_id, theirs = busy.popitem()
            if self._units.wait_for(user_id):
                # In turn: two processes that skip each other's accounts could do so for ever.
                decided, _ = self._run_claimed(theirs, waits=True)
                orders += decided.orders
                leaves_orders |= decided.leaves_orders
            else:
                elsewhere.add(user_id)
        return Decided(orders, leaves_orders, frozenset(elsewhere))

    def _run_claimed(
        self, order_ids: Sequence[int], *, waits: bool = False
    ) -> tuple[Decided, dict[int, list[int]]]:
        """Claim and decide; return the result, and the orders of accounts that were held, by account."""
        limit = max(self._claim_limit, len(order_ids))
        busy: dict[int, list[int]] = {}

        def decide(unit: Unit, claimed: Claim) -> bool:
            missing = set(order_ids) - {order.id for order in claimed.orders}
            # A claim that waits has locked every account.
            if missing and not waits:
                busy.update(unit.busy(missing))
            if not claimed.orders and not busy:
                self._report_unknown(unit, order_ids)
            return self._decide(unit, claimed)

        claimed = self._desk.run(
            lambda unit: unit.claim(order_ids, limit, waits=waits),
            decide,
            actor=ACTOR,
            steps=_BATCH,
        )
        return Decided(claimed.book.orders_moved, self._is_filled(claimed, limit)), busy

    def _is_filled(self, claimed: Claim, limit: int) -> bool:
        """Return whether a claim took as much as it may, of all accounts or of one."""
        if len(claimed.orders) >= self._claim_limit:
            return True
        taken = Counter((order.user_id, order.priority) for order in claimed.orders)
        return any(count >= share_of(lane, limit) for (_, lane), count in taken.items())

    def _run_these(self, order_ids: Sequence[int]) -> int:
        """Decide exactly these orders; query the venue for those with an expired lease."""
        claimed = self._desk.run(
            lambda unit: unit.orders(order_ids, _RECEIVED),
            self._decide,
            actor=ACTOR,
            steps=_BATCH,
        )
        resolved = self._desk.resolve(
            order_ids, absent=self._place_again, actor=ACTOR, steps=_RESUBMISSION
        )
        return claimed.book.orders_moved + resolved

    def _place_again(self, book: Book, order: Order) -> None:
        if order.valid_until > self._market_clock():
            book.resubmit(order)
        else:
            book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)

    def _decide(self, unit: Unit, claimed: Claim) -> bool:
        orders, book = claimed
        if not orders:
            return False
        now = self._market_clock()
        self._desk.begin_day(book)
        standing = [order for order in orders if order.valid_until > now]
        repeated = unit.duplicates(book.rules.duplicate_windows(standing, book.exposures))
        for order in orders:
            if order.valid_until <= now:
                book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)
            elif order.id in repeated:
                book.deny(order, DenialReason.DUPLICATE_ORDER)
        standing = [order for order in standing if order.id not in repeated]
        if self._hours.is_open():
            self._place(book, standing)
        else:
            self._hold(unit, book, standing)
        return True

    def _hold(self, unit: Unit, book: Book, orders: Sequence[Order]) -> None:
        """Let orders wait for the next opening, as far as they may."""
        wait = self._hours.until_open()
        for order in orders:
            book.await_opening(order, wait)
        if book.waiting:
            unit.await_opening([order.id for order in book.waiting])

    def _place(self, book: Book, orders: Sequence[Order]) -> None:
        """Trade orders on the venue's offers, or let them be sent to one that takes its time."""
        if not self._venue.places_at_once:
            # Orders that are only sent must not take displayed size.
            previews = self._venue.preview(orders)
            self._desk.read_risks_for(book, orders, trades=False)
            for order, terms in zip(orders, previews, strict=True):
                book.submit(order, terms)
            return
        answers = self._venue.place(orders)
        self._desk.read_risks_for(book, orders, trades=any(answer.trades for answer in answers))
        for order, answer in zip(orders, answers, strict=True):
            assert answer.offer is not None, "a venue that places at once makes offers"
            book.decide(order, answer.offer)

    def _report_unknown(self, unit: Unit, order_ids: Sequence[int]) -> None:
        if unknown := unit.unknown(order_ids):
            log.warning("doorbell.dropped", unknown=len(unknown), example=min(unknown))
            self._meter.add(Metric.MESSAGES_DROPPED, len(unknown), reason="unknown_order")
