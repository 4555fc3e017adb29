"""Matching the orders that rest, once the market has come to their price or their trigger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import structlog

from angel_x.domain.book.claim import Claim
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import RESTING, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.services.halving import in_halves
from angel_x.services.ports import Clock
from angel_x.services.trading.reached_orders import Reached, ReachedOrders
from angel_x.services.trading.transaction import Steps
from angel_x.services.trading.venue import Venue
from angel_x.services.trading.venue_desk import VenueDesk
from angel_x.services.trading_hours import TradingHours
from angel_x.services.units import Unit

log = structlog.get_logger()

#: Seconds after which a run begins no other page, well below the time limit of a task.
_MOST_SECONDS = 5.0
_STEPS = Steps(found=Step.MATCH_FOUND, recorded=Step.MATCH_RECORDED, committed=Step.MATCH_COMMITTED)

#: Holds the lock of matching, or yields False where another process holds it.
Alone = Callable[[], AbstractContextManager[bool]]


class Matching:
    """Fills resting orders.  A second call fills only orders that became marketable since."""

    def __init__(
        self,
        *,
        reached: ReachedOrders,
        desk: VenueDesk,
        venue: Venue,
        alone: Alone,
        ask_again: Callable[[], bool],
        market_clock: Clock,
        hours: TradingHours,
        monotonic: Callable[[], float],
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._reached = reached
        self._desk = desk
        self._venue = venue
        self._alone = alone
        self._ask_again = ask_again
        self._market_clock = market_clock
        self._hours = hours
        self._monotonic = monotonic
        #: Errors of servers, not of orders.
        self._transient = transient

    def run(self) -> int:
        """Fill marketable orders in contracts whose quotes moved; return the number of fills.

        Outside of a session nothing trades.  Where another process matches, nothing is done, and the
        same contracts count as moved at the next call.  A run that takes too long asks for another one.

        The orders of a contract and side trade by price and time, so of two that compete for the same
        displayed size the better one is never in the later transaction.  Stops that are triggered in a
        later transaction than those orders compete for the size that these have left.
        """
        if not self._hours.is_open():
            return 0
        reached = self._reached.look()
        with self._alone() if len(reached.ladders) else nullcontext(enter_result=True) as is_alone:
            if not is_alone:
                return 0
            fills, is_done = self._fill(reached)
        if is_done:
            self._reached.note(reached)
        else:
            self._ask_again()
        return fills

    def _fill(self, reached: Reached) -> tuple[int, bool]:
        """Match page by page; return the number of fills, and whether there was time for all."""
        fills, end = 0, self._monotonic() + _MOST_SECONDS
        for order_ids in self._reached.pages(reached):
            if self._monotonic() >= end:
                return fills, False
            fills += in_halves(self._match, order_ids, transient=self._transient, give_up=_leave)
        return fills, True

    def _match(self, order_ids: Sequence[int]) -> int:
        claimed = self._desk.run(
            lambda unit: unit.orders(order_ids, RESTING),
            self._decide,
            actor="matching",
            steps=_STEPS,
        )
        return len(claimed.book.fills)

    def _decide(self, _unit: Unit, claimed: Claim) -> bool:
        orders, book = claimed
        if not orders:
            return False
        now = self._market_clock()
        self._desk.begin_day(book)
        # Their expiry is not recorded yet; an order of a closed session must not trade.
        ended = [order for order in orders if order.valid_until <= now]
        over = CancelReason.VALIDITY_ENDED
        self._desk.withdraw(book, ended, over, OrderStatus.EXPIRED)
        # One that may not trade must not use up displayed size.
        standing = [o for o in orders if o.valid_until > now and book.may_stand(o)]
        self._desk.take(book, standing, self._venue.settle(standing))
        return True


def _leave(order_id: int, trace: str) -> int:
    log.error("order.unmatched", order_id=order_id, detail=trace)
    return 0
