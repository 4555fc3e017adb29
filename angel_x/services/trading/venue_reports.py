"""Looking at orders that rest at a venue which trades by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPace:
    """Seconds between two looks."""

    #: At all orders, while the venue says by itself what changes.
    usual: float
    #: At all orders, while it does not.
    blind: float
    #: At those that have changed.
    heard: float


class VenueReports:
    """Records the venue's reports; a local venue has none.

    Orders that are heard of are looked at soon, all orders at the start, after each new connection
    and at intervals.  A second look records only the changes since the first.  Threads may share it.
    """

    def __init__(
        self,
        *,
        desk: VenueDesk,
        venue: Venue,
        find_accounts: FindAccounts,
        find_orders: FindOrders,
        monotonic: Callable[[], float],
        pace: ReportPace,
    ) -> None:
        self._desk = desk
        self._venue = venue
        self._find_accounts = find_accounts
        self._find_orders = find_orders
        self._monotonic = monotonic
        self._pace = pace
        self._lock = Lock()
        self._heard: set[int] = set()
        self._is_connected = False
        self._all_at = self._any_at = float("-inf")

    def hear(self, order_id: int) -> None:
        """Note that an order may have changed at the venue; noting it again changes nothing."""
        with self._lock:
            self._heard.add(order_id)

    def connect(self) -> None:
        """Note that changes are heard of from now on: those before may have been missed."""
        self._is_connected = True
        self._all_at = float("-inf")

    def disconnect(self) -> None:
        """Note that changes are not heard of."""
        self._is_connected = False

    def look(self) -> int:
        """Record what has changed at the venue; return the number of moved orders, zero before time."""
        if self._venue.is_local:
            return 0
        now = self._monotonic()
        pause = self._pace.usual if self._is_connected else self._pace.blind
        if now - self._all_at >= pause:
            self._all_at = self._any_at = now
            return self._report(self._take(), self._open())
        if now - self._any_at >= self._pace.heard and self._heard:
            self._any_at = now
            return self._report(self._take(), ())
        return 0

    def _open(self) -> list[int]:
        found = [self._find_orders(user_id, _EVERYTHING) for user_id in self._find_accounts()]
        return [order_id for orders in found for order_id in orders]

    def _take(self) -> list[int]:
        with self._lock:
            heard, self._heard = self._heard, set()
        return sorted(heard)

    def _report(self, heard: Sequence[int], others: Sequence[int]) -> int:
        try:
            # An update may be newer than the answer that a worker is about to record.
            waiting = self._desk.unanswered(heard) if heard else []
            moved = self._desk.report(sorted({*heard, *others}))
        except Exception:
            self._hear_again(heard)
            raise
        self._hear_again(waiting)
        if moved:
            log.info("orders.reported", count=moved)
        return moved

    def _hear_again(self, order_ids: Sequence[int]) -> None:
        with self._lock:
            self._heard.update(order_ids)
