"""The acceptance of orders on fakes: a made chain, a clock moved by hand, and all it was told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.calendar.intraday import IntradayRule, cutoffs
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Product, Side
from angel_x.domain.orders.step import Step
from angel_x.services.accounts.accounts import Accounts
from angel_x.services.intake.acceptance import Acceptance, Accepted, Submission
from angel_x.services.intake.admission import Admission
from angel_x.services.intake.backpressure import Backpressure
from angel_x.services.intake.emergencies import Emergencies
from angel_x.services.intake.messaging import Messaging
from angel_x.services.intake.order_check import OrderCheck
from angel_x.services.intake.order_rate import LocalOrderRate
from angel_x.services.intake.senders import Senders
from angel_x.services.intake.slicing import Slicing
from angel_x.services.intake.submissions import Submissions
from config.market import table
from tests.builders.chains import MARKET_TIME, make_universe
from tests.builders.markets import ALWAYS_OPEN, CALENDAR, RULES, ManualClock
from tests.builders.recorders import FixedUniverse, RecordingMeter
from tests.fakes.dispatcher import MemoryDispatcher
from tests.fakes.intake import MemoryIntake
from tests.fakes.keys import MemoryKeys
from tests.fakes.refusals import MemoryRedeliveries, MemoryRefusals
from tests.fakes.users import MemoryUsers

UNIVERSE = make_universe(strikes=(24_000,))
CALL, PUT = UNIVERSE.symbols[:2]
LOT = 65
#: Units of the largest order that is not sliced.
LARGEST = 27 * LOT
INTRADAY = IntradayRule(CALENDAR, cutoffs(table("intraday")))


class Away(Exception):
    """A server is away."""


def order(
    client_order_id: str = "a",
    side: Side = Side.BUY,
    quantity: int = LOT,
    symbol: str = CALL,
    priority: Priority = Priority.NORMAL,
    product: Product = Product.NORMAL,
) -> OrderRequest:
    """Ask for one lot at a limit, unless told otherwise."""
    price = Decimal("100.05")
    request = OrderRequest(client_order_id, symbol, side, quantity, OrderType.LIMIT, price)
    return replace(request, priority=priority, product=product)


def orders(names: Iterable[str], priority: Priority = Priority.NORMAL) -> list[OrderRequest]:
    return [order(name, priority=priority) for name in names]


@dataclass
class Reception:
    """Acceptance and messaging over stores in memory."""

    batch_size: int = 50
    universe: Universe = UNIVERSE
    now: datetime = MARKET_TIME
    default_user: str | None = None
    signed_only: bool = False
    #: Orders that may wait.
    room: int = 100_000
    #: Limits: scope, account and orders a second.
    limits: list[tuple[str, str, str]] = field(default_factory=list)
    #: Positions by account and contract.
    exposures: dict[tuple[int, str], Exposure] = field(default_factory=dict)
    #: Emergency orders a second of an account that do not reduce.
    emergency_limit: int = 100
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    #: Each step that was passed, with the rows stored and the doorbells rung until then.
    steps: list[tuple[Step, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(self.now)
        self.dispatcher = MemoryDispatcher()
        self.meter = RecordingMeter()
        self.users = MemoryUsers()
        self.keys = MemoryKeys()
        self.refusals = MemoryRefusals()
        self.redeliveries = MemoryRedeliveries()
        universes, slicing = FixedUniverse(self.universe), Slicing(lambda: RULES)
        self.order_check = OrderCheck(universes, slicing, INTRADAY, self.clock, ALWAYS_OPEN)
        self.acceptance = Acceptance(
            intake=self.intake,
            universes=universes,
            slicing=slicing,
            calendar=CALENDAR,
            market_clock=self.clock,
            dispatcher=self.dispatcher,
            meter=self.meter,
            batch_size=self.batch_size,
            at=self._pass,
        )
        self.admission = Admission(
            backpressure=Backpressure(self.intake.waiting, limit=self.room, monotonic=lambda: 0.0),
            grant_rate=LocalOrderRate(lambda: 0.0).grant,
            rules=self._rules,
            emergencies=Emergencies(lambda _: self.exposures),
            emergency_limit=self.emergency_limit,
        )
        self.submissions = Submissions(
            check=self.order_check,
            admission=self.admission,
            acceptance=self.acceptance,
            meter=self.meter,
        )
        self.messaging = Messaging(
            submissions=self.submissions,
            senders=Senders(
                account_id=lambda name: Accounts(self.users).named(name).id,
                find_key=self.keys.key,
                clock=self.clock,
                default_user=self.default_user,
                signed_only=self.signed_only,
            ),
            refusals=self.refusals,
            redeliveries=self.redeliveries,
            is_outage=lambda error: isinstance(error, Away),
        )

    def open(self, name: str) -> int:
        """Open an account and return its id."""
        account = self.users.add(name, Decimal(0))
        assert account is not None
        return account.id

    def accept(self, user_id: int, *requests: OrderRequest) -> tuple[Accepted, ...]:
        """Accept one submission that has to be accepted."""
        (outcome,) = self.acceptance.accept([Submission(user_id, requests)])
        assert isinstance(outcome, tuple), outcome
        return outcome

    @property
    def stored(self) -> dict[tuple[int, str], int]:
        """The order ids that are stored, by account and client order id."""
        return {(r.user_id, r.request.client_order_id): r.order_id for r in self.intake.rows}

    @property
    def rung(self) -> list[tuple[Priority, tuple[int, ...]]]:
        """Lane and ids of each doorbell."""
        return [(ring.priority, ring.order_ids) for ring in self.dispatcher.rings]

    def counted(self, metric: Metric) -> list[tuple[float, dict[str, str]]]:
        """Return what was added to a metric, with its labels."""
        return [(n, dict(labels)) for name, n, labels in self.meter.added if name is metric]

    def fail_storing(self, error: Callable[[], Exception]) -> None:
        """Let every transaction from now on end with an error."""
        self.intake.failure = error

    def _pass(self, step: Step) -> None:
        self.steps.append((step, len(self.intake.rows), len(self.dispatcher.rings)))

    def _rules(self) -> TradingRules:
        rows = [(*scope, "max_orders_per_second", value) for *scope, value in self.limits]
        return TradingRules.from_rows((), rows)
