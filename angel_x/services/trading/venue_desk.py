"""Requests to the venue outside of transactions, and the recording of its answers.

A venue that is not local is never called within a transaction.  A request is committed first, under a
lease and the number of the attempt; the answer is recorded in a second transaction if the attempt is
still the same.  The status of an order with an expired lease is queried by its tag.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from angel_x.domain.book.book import Book
from angel_x.domain.book.claim import Claim
from angel_x.domain.book.margin_pool import Risks
from angel_x.domain.book.reports import take, take_absence
from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.answer import Answer, VenueState
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import (
    ASKED,
    PLACED,
    RESTING,
    Order,
    OrderStatus,
    Side,
    tag_of,
)
from angel_x.domain.orders.step import Step
from angel_x.services.halving import in_halves
from angel_x.services.ports import Clock, Meter
from angel_x.services.trading.transaction import C, Steps, Transactions
from angel_x.services.trading.venue import Venue
from angel_x.services.units import Unit

log = structlog.get_logger()

_SETTLEMENT = Steps(recorded=Step.SETTLEMENT_RECORDED, committed=Step.SETTLEMENT_COMMITTED)
_PARKING = Steps(recorded=Step.PARKING_RECORDED, committed=Step.PARKING_COMMITTED)
_TRACEBACK_LENGTH = 4000
#: Decides an order that its venue does not have.
Absent = Callable[[Book, Order], None]


@dataclass(frozen=True, slots=True)
class _Request:
    """A request about an order, and the answer of the venue."""

    attempt: int
    answer: Answer
    wanted: Amendment | None


class VenueDesk:
    """Runs transactions with orders that may be at the venue."""

    def __init__(
        self,
        *,
        transactions: Transactions,
        venue: Venue,
        risks: Risks,
        market_clock: Clock,
        meter: Meter,
        monotonic: Callable[[], float],
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._transactions = transactions
        self._venue = venue
        self._risks = risks
        self._market_clock = market_clock
        self._meter = meter
        self._monotonic = monotonic
        #: Errors of servers, not of orders.
        self._transient = transient

    def run(
        self,
        claim: Callable[[Unit], C],
        decide: Callable[[Unit, C], bool],
        *,
        actor: str,
        steps: Steps,
        absent: Collection[int] = frozenset(),
    ) -> C:
        """Run a transaction, then send the requests of its orders to the venue.

        ``absent`` are the orders that the venue is known to lack when the decision has been made.
        """
        # Leases begin when the moves are recorded, which follows the decision.  However long the
        # commit and the rest take until a request is sent, its time is counted from here.
        leased_at = self._monotonic()

        def decide_now(unit: Unit, claimed: C) -> bool:
            nonlocal leased_at
            is_moved = decide(unit, claimed)
            leased_at = self._monotonic()
            return is_moved

        claimed = self._transactions.run(claim, decide_now, actor=actor, steps=steps)
        self._follow(claimed.book, leased_at, absent)
        return claimed

    def withdraw(
        self,
        book: Book,
        orders: Sequence[Order],
        reason: CancelReason,
        status: OrderStatus = OrderStatus.CANCELED,
    ) -> None:
        """Cancel open orders: those at a venue after its answer, the others at once.

        A cancellation that was requested from the venue before is not requested again.
        """
        placed = [order for order in orders if order.status in PLACED]
        leaving = [order for order in orders if order.status not in PLACED]
        if self._venue.is_local:
            answers = zip(placed, self._venue.cancel(placed), strict=True)
            leaving += [o for o, answer in answers if answer.state is VenueState.CANCELED]
        else:
            for order in placed:
                if order.status is not OrderStatus.PENDING_CANCEL:
                    book.ask_to_cancel(order, reason)
        if any(order.side is Side.SELL and order.status in PLACED for order in leaving):
            self.read_risks(book)
        for order in leaving:
            book.take_off(order, status, reason)

    def read_risks(self, book: Book) -> None:
        """Read the risks of all contracts of a book, once, before orders are folded into it.

        Which contracts those are is known only from the claim, so this happens under its locks, as
        the venue's quotes are read; but outside of the fold, which reaches no server, and from a
        sheet that all batches of a moment share.
        """
        if not book.margins.sheet:
            book.take_risks(self._risks(book.margins.symbols))

    def read_risks_for(self, book: Book, orders: Sequence[Order], *, trades: bool) -> None:
        """Read the risks of a book if the decision of these orders moves margin."""
        if book.moves_margin(orders, trades=trades):
            self.read_risks(book)

    def take(self, book: Book, orders: Sequence[Order], answers: Sequence[Answer]) -> None:
        """Take the venue's answers about orders in the market or on their way there."""
        self.read_risks_for(book, orders, trades=any(answer.trades for answer in answers))
        for order, answer in zip(orders, answers, strict=True):
            take(book, order, answer)

    def resolve(self, order_ids: Sequence[int], *, absent: Absent, actor: str, steps: Steps) -> int:
        """Query the status of orders with an expired lease by tag; return the number of moved ones.

        ``absent`` decides an order that the venue does not have.  An order with an unknown answer is
        unchanged and queried again soon.
        """
        queries = self._queries(order_ids)
        if not queries:
            return 0
        answers = {order_id: query.answer for order_id, query in queries.items()}

        def decide(unit: Unit, claimed: Claim) -> bool:
            # An attempt that others have made since may have arrived.
            orders = [o for o in claimed.orders if o.attempt == queries[o.id].attempt]
            if orders:
                self.begin_day(claimed.book)
                self.read_risks(claimed.book)
            for order in orders:
                self._resolve(claimed.book, order, answers[order.id], absent)
            unknown = {o.id: answers[o.id] for o in orders if not answers[o.id].is_known}
            return _asked_again(unit, unknown) or bool(claimed.book.moves)

        claimed = self.run(
            lambda unit: unit.abandoned(list(queries)),
            decide,
            actor=actor,
            steps=steps,
            absent=[i for i, answer in answers.items() if answer.state is VenueState.ABSENT],
        )
        return claimed.book.orders_moved

    def unanswered(self, order_ids: Sequence[int]) -> list[int]:
        """Return those orders that have a request without a recorded answer."""
        found = self._transactions.read(lambda unit: unit.orders(order_ids, ASKED))
        return [order.id for order in found.orders]

    def report(self, order_ids: Sequence[int]) -> int:
        """Record the venue's reports on resting orders; return the number of moved ones.

        One that was amended or canceled since the venue was asked is left to the next report.
        """
        resting = self._transactions.read(lambda unit: unit.orders(order_ids, RESTING)).orders
        asked = {order.id: order.attempt for order in resting}
        if not asked:
            return 0
        answers = dict(zip(asked, self._venue.status([tag_of(i) for i in asked]), strict=True))

        def decide(_unit: Unit, claimed: Claim) -> bool:
            orders = [order for order in claimed.orders if asked[order.id] == order.attempt]
            if orders:
                self.begin_day(claimed.book)
            for order in orders:
                if answers[order.id].state is VenueState.ABSENT:
                    log.error("order.missing_at_venue", order_id=order.id)
            self.take(claimed.book, orders, [answers[order.id] for order in orders])
            return bool(claimed.book.moves)

        claimed = self.run(
            lambda unit: unit.orders(list(asked), RESTING), decide, actor="venue", steps=_SETTLEMENT
        )
        return claimed.book.orders_moved

    def begin_day(self, book: Book) -> None:
        """Let the book's results be those of the market's day."""
        book.begin_day(self._market_clock().astimezone(IST).date())

    def _queries(self, order_ids: Sequence[int]) -> dict[int, _Request]:
        """Query the venue, outside of a transaction, about orders with an expired lease."""
        orders = self._transactions.read(lambda unit: unit.abandoned(order_ids)).orders
        answers = self._venue.status([order.tag for order in orders]) if orders else ()
        return {
            order.id: _Request(order.attempt, answer, None)
            for order, answer in zip(orders, answers, strict=True)
        }

    def _resolve(self, book: Book, order: Order, answer: Answer, absent: Absent) -> None:
        asked, reason = order.status, order.reason
        if answer.state is VenueState.ABSENT:
            # A request takes less than a lease, so none is on its way any more.
            (absent if asked is OrderStatus.SUBMITTING else take_absence)(book, order)
            return
        take(book, order, answer)
        if asked is OrderStatus.PENDING_CANCEL and order.status in RESTING and reason is not None:
            # The query shows that the former request was lost, so another one is sent.
            book.ask_to_cancel(order, CancelReason(reason))

    def _follow(self, book: Book, leased_at: float, absent: Collection[int]) -> None:
        """Send the committed requests, and record the answers."""
        asked = {m.order.id: m.order for m in book.moves if m.order.status in ASKED}
        if not asked:
            return
        requests = self._ask(list(asked.values()), book.wanted, leased_at, absent)
        self._transactions.at(Step.VENUE_ANSWERED)
        in_halves(
            lambda order_ids: self._settle({i: requests[i] for i in order_ids}),
            list(requests),
            transient=self._transient,
            give_up=lambda order_id, trace: self._give_up(order_id, requests[order_id], trace),
        )

    def _ask(
        self,
        orders: Sequence[Order],
        wanted: Mapping[int, Amendment],
        leased_at: float,
        absent: Collection[int],
    ) -> dict[int, _Request]:
        by_status = {
            status: [order for order in orders if order.status is status] for status in ASKED
        }
        sent, leaving = by_status[OrderStatus.SUBMITTING], by_status[OrderStatus.PENDING_CANCEL]
        amended = [(o, wanted[o.id]) for o in by_status[OrderStatus.PENDING_AMEND]]
        asked = [*sent, *leaving, *(order for order, _ in amended)]
        answers = [
            *(self._venue.place(sent, leased_at, absent) if sent else ()),
            *(self._venue.cancel(leaving, leased_at) if leaving else ()),
            *(self._venue.amend(amended, leased_at) if amended else ()),
        ]
        if unknown := sum(not answer.is_known for answer in answers):
            log.warning("answers.unknown", count=unknown)
        return {
            order.id: _Request(order.attempt, answer, wanted.get(order.id))
            for order, answer in zip(asked, answers, strict=True)
        }

    def _settle(self, requests: Mapping[int, _Request]) -> int:
        """Record answers, except those of superseded attempts."""

        def decide(unit: Unit, claimed: Claim) -> bool:
            if claimed.orders:
                self.begin_day(claimed.book)
                self._take(claimed.book, claimed.orders, requests)
            ours = {order.id: requests[order.id].answer for order in claimed.orders}
            unsent = {i: answer for i, answer in ours.items() if answer.state is VenueState.UNSENT}
            return _asked_again(unit, unsent) or bool(claimed.book.moves)

        claimed = self._transactions.run(
            lambda unit: self._ours(unit, requests), decide, actor="venue", steps=_SETTLEMENT
        )
        return len(claimed.orders)

    def _take(self, book: Book, orders: Sequence[Order], requests: Mapping[int, _Request]) -> None:
        if self._venue.is_local:
            self._take_offers(book, orders)
            return
        self.read_risks(book)
        for order in orders:
            request = requests[order.id]
            take(book, order, request.answer, request.wanted)

    def _take_offers(self, book: Book, orders: Sequence[Order]) -> None:
        """Trade orders that have arrived at a local venue, in the market as it is now."""
        now = self._market_clock()
        standing = [order for order in orders if order.valid_until > now]
        self.read_risks(book)
        for order in orders:
            if order.valid_until <= now:
                book.take_off(order, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)
        self.take(book, standing, self._venue.settle(standing))

    def _ours(self, unit: Unit, requests: Mapping[int, _Request]) -> Claim:
        """Claim the orders that still wait for the answer to our attempt."""
        found = unit.orders(list(requests), ASKED)
        orders = [o for o in found.orders if o.attempt == requests[o.id].attempt]
        if stale := len(requests) - len(orders):
            log.warning("attempts.stale", count=stale)
            self._meter.add(Metric.STALE_ATTEMPTS, stale)
        return Claim(orders, found.book)

    def _give_up(self, order_id: int, request: _Request, trace: str) -> int:
        """Reject an order whose answer cannot be recorded, unless another attempt has begun.

        At a venue with a state of its own it may have traded, so its status is queried again.
        """
        if not self._venue.is_local:
            log.error("order.unsettled", order_id=order_id, detail=trace[-200:])
            return 0
        return self.park(lambda unit: self._ours(unit, {order_id: request}), trace)

    def park(self, claim: Callable[[Unit], Claim], detail: str) -> int:
        """Close orders that cannot be decided, with a traceback that operators can read."""

        def decide(_unit: Unit, claimed: Claim) -> bool:
            if claimed.orders:
                self.read_risks(claimed.book)
            for order in claimed.orders:
                parked(claimed.book, order, detail)
            return bool(claimed.orders)

        claimed = self._transactions.run(claim, decide, actor="execution", steps=_PARKING)
        return len(claimed.orders)

    def park_abandoned(self, order_ids: Sequence[int], detail: str) -> int:
        """Close orders with no lease left that the venue does not have."""
        return self.resolve(
            order_ids,
            absent=lambda book, order: parked(book, order, detail),
            actor="execution",
            steps=_PARKING,
        )


def _asked_again(unit: Unit, answers: Mapping[int, Answer]) -> bool:
    """Let orders be queried again; return whether there are any."""
    if answers:
        unit.ask_again({order_id: answer.retry_seconds for order_id, answer in answers.items()})
    return bool(answers)


def parked(book: Book, order: Order, detail: str) -> None:
    """Deny an order that waits, or reject one that was on its way."""
    reason, trace = DenialReason.PROCESSING_FAILED, detail[-_TRACEBACK_LENGTH:]
    if order.status is OrderStatus.RECEIVED:
        book.deny(order, reason, trace)
    else:
        book.take_off(order, OrderStatus.REJECTED, reason, trace)
    log.error("order.parked", order_id=order.id, detail=detail[-200:])
