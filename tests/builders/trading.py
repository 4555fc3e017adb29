"""Everything that trades, over tables in memory and one venue or another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from angel_x.adapters.angel_one.venue import Preview
from angel_x.domain.book.control import OrderSelection
from angel_x.domain.exchange.latency import Latency
from angel_x.domain.orders.order import OPEN, Order, OrderStatus, Side
from angel_x.services.intake.slicing import Slicing
from angel_x.services.trading.amendment import Amending
from angel_x.services.trading.amendment_form import AmendmentRequest
from angel_x.services.trading.cancel_all import CancelAll
from angel_x.services.trading.cancellation import Cancellation
from angel_x.services.trading.execution import Execution
from angel_x.services.trading.expiry import OrderExpiry
from angel_x.services.trading.shadowed_venue import ShadowedVenue
from angel_x.services.trading.venue import Venue
from tests.builders.markets import RULES
from tests.builders.paper import LOT, UNIVERSE, Exchange, OneUniverse
from tests.builders.shadow import shadow_beside
from tests.builders.venue_desk import venue_desk
from tests.fakes.aftermath import SilentAftermath
from tests.fakes.holdings import MemoryHoldings
from tests.fakes.tables import Row
from tests.fakes.venue import ScriptedVenue

PAPER, SLOW_PAPER, SCRIPTED, ANGEL_ONE = "paper", "slow paper", "scripted", "angel one"
SHADOWED = "shadowed"
KINDS = (PAPER, SLOW_PAPER, SCRIPTED, ANGEL_ONE, SHADOWED)
ALL = OrderSelection()


@dataclass
class Trading:
    """Services that trade at a venue of a kind, which quotes 100.00 x 100.50."""

    kind: str
    scripted: ScriptedVenue = field(default_factory=ScriptedVenue)
    #: Makes the venue of a broker, with previews of the paper exchange.
    at_broker: Callable[[Preview], Venue] | None = None

    def __post_init__(self) -> None:
        self.exchange = Exchange(latency=Latency(fixed_ms=int(self.kind == SLOW_PAPER)))
        self.exchange.quote()
        self.tables, self.units = self.exchange.tables, self.exchange.units
        self.clock, self.aftermath = self.exchange.clock, SilentAftermath()
        self.venue: Venue = self.scripted if self.kind == SCRIPTED else self.exchange.venue
        if self.kind == SHADOWED:
            self.venue = ShadowedVenue(self.scripted, shadow_beside(self.exchange))
        if self.at_broker is not None:
            self.venue = self.at_broker(self.exchange.venue.preview)
        desk = venue_desk(
            self.units, self.venue, self.aftermath, self.clock, risks=self.exchange.sheets.of
        )
        common: dict[str, Any] = {"desk": desk, "market_clock": self.clock}
        self.execution = Execution(
            **common,
            hours=self.exchange.hours,
            venue=self.venue,
            meter=self.exchange.meter,
            monotonic=lambda: self.clock().timestamp(),
            units=self.units,
            claim_limit=100,
            transient=(),
        )
        self.cancellation = Cancellation(desk=desk)
        self.cancel_all = CancelAll(
            desk=desk,
            find_open_orders=MemoryHoldings(self.tables).open_orders,
            unlisted=lambda _selection: None,
            transient=(),
        )
        self.expiry = OrderExpiry(**common, find_ended=self.ended, transient=())
        self.amending = Amending(
            **common,
            venue=self.venue,
            universes=OneUniverse(UNIVERSE),
            slicing=Slicing(lambda: RULES),
        )
        self.desk = desk

    def ended(self, now: datetime, limit: int) -> list[int]:
        rows = self.tables.rows.values()
        found = [r.order.id for r in rows if r.order.status in OPEN and r.order.valid_until <= now]
        return [i for i in found if not self._is_awaited(self.row(i))][:limit]

    def order(self, limit: str = "99.00", lots: int = 2, side: Side = Side.BUY) -> Order:
        """Store an order and have it decided."""
        order = self.exchange.order(side, lots, int(Decimal(limit) * 100))
        self.execution.run([order.id])
        return order

    def amend(self, order: Order, limit: str | None = None, lots: int | None = None) -> bool:
        price = None if limit is None else Decimal(limit)
        units = None if lots is None else lots * LOT
        return self.amending.amend(1, order.id, AmendmentRequest(price, None, units))

    def end_leases(self) -> None:
        """Let the lease of every request run out."""
        self.clock.advance(31)
        self.exchange.restate()

    def resolve(self, order: Order) -> None:
        """Do as the relay asks once no lease is left."""
        self.end_leases()
        self.execution.run_exactly([order.id])

    def row(self, order_id: int) -> Row:
        return self.tables.rows[order_id]

    def statuses(self, order: Order) -> list[str]:
        return [status for status, *_ in self.tables.events_of(order.id)]

    @property
    def executions(self) -> list[tuple[str, int]]:
        """Name and units of every fill that was committed."""
        return [(f.execution_id, f.quantity) for b in self.tables.books for f in b.fills]

    @property
    def margin_used(self) -> Decimal:
        return self.tables.accounts[1].margin_used

    def _is_awaited(self, row: Row) -> bool:
        return row.lease_until is not None and row.lease_until > self.clock()


def end_session(trading: Trading) -> None:
    """Let the validity of every order end."""
    for row in trading.tables.rows.values():
        row.order.valid_until = trading.clock() - timedelta(seconds=1)


STANDS = frozenset({OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED})
