"""The intraday cut-off: all MIS positions are squared off."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.calendar.intraday import IntradayRule, square_off_key
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import Product
from angel_x.services.ports import Clock
from angel_x.services.workflows.square_off import SquareOff

log = structlog.get_logger()


#: Returns each account with intraday orders or positions, and the number of its ended square-offs
#: whose key begins with the given one.
IntradayAccounts = Callable[[str], list[tuple[int, int]]]


class IntradayClose:
    """Starts the square-offs at the cut-off."""

    def __init__(
        self,
        *,
        accounts: IntradayAccounts,
        square_off: SquareOff,
        rule: IntradayRule,
        market_clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._square_off = square_off
        self._rule = rule
        self._market_clock = market_clock

    def run(self) -> int:
        """Start the square-offs that are due at market time; return their number.

        A second call starts none for an account whose square-off runs, and another one for an account
        whose square-off has ended and that has intraday orders or positions again.
        """
        day = self._rule.closing_day(self._market_clock())
        if day is None:
            return 0
        key = square_off_key(day)
        started = 0
        for user_id, ended in self._accounts(key):
            _, is_new = self._square_off.start(
                user_id,
                OrderSelection(product=Product.INTRADAY),
                key=f"{key} {ended + 1}" if ended else key,
                actor="cut-off",
                reason=CancelReason.INTRADAY_CUTOFF,
            )
            started += is_new
        if started:
            log.info("intraday.closed", accounts=started, day=day.isoformat())
        return started
