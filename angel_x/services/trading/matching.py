"""Matching the orders that rest, once the market has come to their price or their trigger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import structlog

from angel_x.domain.book.claim import Claim
from angel_x.domain.exchange.matching import by_priority, crosses, touch_paise, triggered
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import RESTING, OrderStatus
from angel_x.domain.orders.step import Step
from angel_x.services.halving import in_halves
from angel_x.services.ports import Clock
from angel_x.services.trading.market_watch import MarketSight, MarketWatch
from angel_x.services.trading.match_requests import RestingContracts
from angel_x.services.trading.transaction import Steps
from angel_x.services.trading.venue import Venue
from angel_x.services.trading.venue_desk import VenueDesk
from angel_x.services.trading_hours import TradingHours
from angel_x.services.units import Unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

log = structlog.get_logger()

_AT_A_TIME = 250
_STEPS = Steps(found=Step.MATCH_FOUND, recorded=Step.MATCH_RECORDED, committed=Step.MATCH_COMMITTED)


#: Finds the limit orders that rest in contracts of a universe, None for all of them: one ORDER each.
FindResting = Callable[["Universe", Sequence[str] | None], "NDArray[np.void]"]


class Matching:
    """Fills resting orders.  A second call fills only orders that became marketable since."""

    def __init__(
        self,
        *,
        find_resting: FindResting,
        watch: MarketWatch,
        desk: VenueDesk,
        venue: Venue,
        resting: RestingContracts,
        market_clock: Clock,
        hours: TradingHours,
        transient: tuple[type[Exception], ...],
    ) -> None:
        self._find_resting = find_resting
        self._watch = watch
        self._desk = desk
        self._venue = venue
        self._resting = resting
        self._market_clock = market_clock
        self._hours = hours
        #: Errors of servers, not of orders.
        self._transient = transient

    def run(self) -> int:
        """Fill marketable orders in contracts whose quotes moved; return the number of fills.

        Outside of a session nothing trades.

        Orders are sorted by contract and side, then by price and time, so of two that compete for the
        same displayed size the better one is never in the later transaction.
        """
        if not self._hours.is_open():
            return 0
        sight = self._watch.look()
        crossing = self._crossing(sight)
        fills = sum(
            in_halves(
                self._match,
                crossing[i : i + _AT_A_TIME],
                transient=self._transient,
                give_up=_leave,
            )
            for i in range(0, len(crossing), _AT_A_TIME)
        )
        self._watch.note(sight)
        return fills

    def _crossing(self, sight: MarketSight) -> list[int]:
        """Return the orders that would trade, and the stops that would come alive, by priority."""
        if sight.moved is not None and not len(sight.moved):
            return []
        orders = self._find_resting(sight.universe, sight.symbols)
        orders = orders[orders["row"] >= 0]
        if sight.moved is None:
            rows = np.unique(orders["row"]).tolist()
            self._resting.note([sight.universe.symbol(row) for row in rows])
        orders = orders[sight.is_fresh[orders["row"]]]
        if sight.moved is not None:
            # All orders are searched where most contracts would have to be named.
            orders = orders[np.isin(orders["row"], sight.moved)]
        quotes = sight.quotes[orders["row"]]
        alive = triggered(orders, quotes["last"])
        trades = crosses(orders, touch_paise(quotes, orders["is_buy"]))
        wanted = orders[alive & (orders["is_stopped"] | trades)]
        ranked = wanted["id"][by_priority(wanted, ~wanted["is_stopped"])]
        ids: list[int] = ranked.tolist()
        return ids

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
