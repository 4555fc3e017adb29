"""Looking at orders that rest at a venue which trades by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from angel_x.domain.book.control import OrderSelection
from angel_x.services.trading.venue import Venue
from angel_x.services.trading.venue_desk import VenueDesk

log = structlog.get_logger()

_EVERYTHING = OrderSelection()

#: Returns the accounts that have open orders, and perhaps others.
FindAccounts = Callable[[], Sequence[int]]
#: Returns the open orders of an account in a selection.
FindOrders = Callable[[int, OrderSelection], Sequence[int]]


class VenueReports:
    """Records the venue's reports at the start and at intervals; a local venue has none.

    A second look records only the changes since the first.
    """

    def __init__(
        self,
        *,
        desk: VenueDesk,
        venue: Venue,
        find_accounts: FindAccounts,
        find_orders: FindOrders,
        monotonic: Callable[[], float],
        interval_seconds: float,
    ) -> None:
        self._desk = desk
        self._venue = venue
        self._find_accounts = find_accounts
        self._find_orders = find_orders
        self._monotonic = monotonic
        self._interval_seconds = interval_seconds
        self._looked_at = float("-inf")

    def look(self) -> int:
        """Record what has changed at the venue; return the number of moved orders, zero before time."""
        if self._venue.is_local or self._monotonic() - self._looked_at < self._interval_seconds:
            return 0
        self._looked_at = self._monotonic()
        found = [self._find_orders(user_id, _EVERYTHING) for user_id in self._find_accounts()]
        moved = self._desk.report([order_id for orders in found for order_id in orders])
        if moved:
            log.info("orders.reported", count=moved)
        return moved
