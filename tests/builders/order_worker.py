"""The execution over tables in memory and a scripted market, with a journal of its protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from angel_x.domain.book.margin_pool import Risks
from angel_x.domain.margin.unit_risk import no_risks
from angel_x.domain.operations.metric import Metric
from angel_x.domain.operations.span import Tracer
from angel_x.domain.orders.order import Order
from angel_x.domain.orders.step import Step
from angel_x.services.trading.cancellation import Cancellation
from angel_x.services.trading.execution import Execution
from angel_x.services.trading.paper_venue import PaperVenue
from tests.builders.markets import ALWAYS_OPEN, ManualClock
from tests.builders.recorders import RecordingMeter
from tests.builders.venue_desk import venue_desk
from tests.fakes.aftermath import SilentAftermath
from tests.fakes.market import ScriptedMarket
from tests.fakes.tables import NOW, Tables
from tests.fakes.units import MemoryUnits

LEASE_SECONDS = 30.0


class Away(Exception):
    """A server is not there."""


class Died(BaseException):
    """The end of the process."""


@dataclass
class Worker:
    """One worker that executes orders, and everything that it touches."""

    claim_limit: int = 50
    latency: float = 0.0
    risks: Risks = no_risks
    tracer: Tracer | None = None
    #: Each step with how many books were committed and told of, and whether an account was locked.
    journal: list[tuple[Step, int, int, bool]] = field(default_factory=list)
    #: Done when a step is passed.
    at_steps: dict[Step, Callable[[], object]] = field(default_factory=dict)
    #: Done while the venue takes its time.
    meanwhile: Callable[[], object] = lambda: None
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(NOW)
        #: Of the database server.
        self.server_clock = ManualClock(NOW)
        self.tables = Tables(self.server_clock)
        self.units = MemoryUnits(self.tables, lease_seconds=LEASE_SECONDS, at=self.passed)
        self.market = ScriptedMarket(self.latency)
        self.aftermath, self.meter, ticks = SilentAftermath(), RecordingMeter(), count(1)
        self.venue = PaperVenue(self.market, sleep=self.sleep)
        # Each look at it takes a second.
        self.monotonic = lambda: float(next(ticks))
        self.desk = venue_desk(
            self.units,
            self.venue,
            self.aftermath,
            self.clock,
            risks=self.risks,
            meter=self.meter,
            monotonic=self.monotonic,
            transient=(Away,),
            tracer=self.tracer,
        )
        self.transactions = self.desk._transactions
        self.execution = Execution(
            desk=self.desk,
            venue=self.venue,
            market_clock=self.clock,
            hours=ALWAYS_OPEN,
            meter=self.meter,
            monotonic=self.monotonic,
            units=self.units,
            claim_limit=self.claim_limit,
            transient=(Away,),
        )

    def passed(self, step: Step) -> None:
        tables = self.tables
        told = len(self.aftermath.told)
        self.journal.append((step, len(tables.books), told, bool(tables.account_locks)))
        if step in self.at_steps:
            self.at_steps[step]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        assert not self.tables.account_locks, "nobody waits for a venue with an account in hand"
        self.meanwhile()

    def desk_cancel(self, order: Order) -> None:
        """Cancel an order at its owner's word."""
        Cancellation(desk=self.desk).cancel(order.user_id, order.id)

    @property
    def steps(self) -> list[Step]:
        return [step for step, *_ in self.journal]

    def counted(self, metric: Metric) -> float:
        return sum(amount for name, amount, _ in self.meter.added if name is metric)

    def end_leases(self) -> None:
        self.server_clock.advance(LEASE_SECONDS)
