"""The check of orders against the contract table, before any of them is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from angel_x.domain.calendar.intraday import IntradayRule
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.orders.order import OrderRequest
from angel_x.errors import Fault, InvalidOrder
from angel_x.services.intake.listing import intraday_faults, listing_faults
from angel_x.services.intake.order_form import MAX_ORDERS
from angel_x.services.intake.slicing import Slicing
from angel_x.services.ports import Clock, UniverseSource
from angel_x.services.trading_hours import TradingHours


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """Holds the orders of a request against the contracts that are listed now."""

    universes: UniverseSource
    slicing: Slicing
    intraday: IntradayRule
    market_clock: Clock
    hours: TradingHours

    def check(self, requests: Sequence[OrderRequest]) -> None:
        """Check contract, lot, tick and size of every order.

        Raises:
            InvalidOrder: With every fault of every order.
        """
        universe, now = self.universes.current(), self.market_clock()
        faults: list[Fault] = []
        continuous = self.hours.is_continuous()
        for index, request in enumerate(requests):
            faults += listing_faults(index, request, universe, now, self.slicing)
            faults += intraday_faults(index, request, self.intraday, now, is_continuous=continuous)
        if not faults:
            faults += self._slice_faults(requests, universe, now)
        if faults:
            raise InvalidOrder(tuple(faults))

    def _slice_faults(
        self, requests: Sequence[OrderRequest], universe: Universe, now: datetime
    ) -> Iterator[Fault]:
        """Yield the order that makes the request more orders than it may hold unsliced."""
        count = 0
        for index, request in enumerate(requests):
            contract = universe.contracts[universe.rows[request.symbol]]
            count += len(self.slicing.sizes(request.quantity, contract, now)) or 1
            if count > MAX_ORDERS:
                detail = f"must not make the request more than {MAX_ORDERS} orders by slicing"
                yield Fault(index, "quantity", str(request.quantity), detail)
                return
