"""Everything that trades for accounts, in memory: one market, one set of tables, real services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.calendar.intraday import IntradayRule, cutoffs
from angel_x.domain.orders.intake import IntakeRow, KnownOrder, OrderKey
from angel_x.domain.orders.order import Order, OrderRequest, OrderStatus, OrderType, Product, Side
from angel_x.domain.workflows.square_off import SquareOffRecord
from angel_x.domain.workflows.workflow import Workflow, WorkflowKind
from angel_x.services.intake.acceptance import Acceptance, Submission
from angel_x.services.intake.order_check import OrderCheck
from angel_x.services.intake.slicing import Slicing
from angel_x.services.trading.cancel_all import CancelAll
from angel_x.services.trading.execution import Execution
from angel_x.services.workflows.exits import Exits
from angel_x.services.workflows.square_off import SquareOff
from angel_x.services.workflows.workflows import Advance
from config.market import table
from tests.builders.markets import CALENDAR, RULES
from tests.builders.paper import CALL, LOT, UNIVERSE, Exchange, OneUniverse
from tests.builders.recorders import RecordingEvents
from tests.builders.risk import flat
from tests.builders.venue_desk import venue_desk
from tests.fakes.aftermath import SilentAftermath
from tests.fakes.dispatcher import MemoryDispatcher
from tests.fakes.holdings import MemoryHoldings
from tests.fakes.intake import MemoryIntake
from tests.fakes.tables import Row, Tables
from tests.fakes.units import MemoryUnits
from tests.fakes.workflows import MemoryWorkflows

#: Units of the largest order that the exchange takes.
LARGEST = 1755
PLENTY = 10_000_000
#: The close of the session of the desk, after the intraday cut-off.
CLOSE = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)
#: Below the market: a purchase at it rests.
LIMIT = Decimal(95)
ALL = OrderSelection()


class TableIntake(MemoryIntake):
    """Stores into the tables that the transactions read."""

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        self._tables = tables

    def store(
        self, rows: Sequence[IntakeRow], actor: str, basket_id: int | None = None
    ) -> dict[OrderKey, KnownOrder]:
        before = len(self.rows)
        found = super().store(rows, actor, basket_id)
        for kept in self.rows[before:]:
            request = kept.request
            order = self._tables.order(
                kept.user_id,
                None if request.limit_price is None else str(request.limit_price),
                side=request.side,
                symbol=request.symbol,
                quantity=request.quantity,
                order_type=request.order_type,
                trigger_price=request.trigger_price,
                validity=request.validity,
                product=request.product,
                priority=request.priority,
                client_order_id=request.client_order_id,
                valid_until=kept.valid_until,
                parent_id=kept.parent_id,
            )
            assert order.id == kept.order_id
            row = self._tables.rows[order.id]
            row.held, row.basket_id = kept.is_held, basket_id
        for kept in self.rows[before:]:
            self._tables.rows[kept.order_id].slices = sum(
                other.parent_id == kept.order_id for other in self.rows[before:]
            )
        return found

    def _found(self, keys: Sequence[OrderKey]) -> dict[OrderKey, KnownOrder]:
        found = super()._found(keys)
        status = {key: self._tables.rows[s.order_id].order.status for key, s in found.items()}
        return {key: replace(stored, status=status[key]) for key, stored in found.items()}


class Desk:
    """The services of square-off, with those that place orders."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.clock = self.exchange.clock
        self.tables = Tables(clock=self.clock)
        self.units = MemoryUnits(self.tables)
        self.workflows = MemoryWorkflows(now=self.clock)
        self.holdings = MemoryHoldings(self.tables, self.workflows)
        self.intake = TableIntake(self.tables)
        self.dispatcher = MemoryDispatcher()
        self.aftermath = SilentAftermath()
        self.events = RecordingEvents()
        universes = OneUniverse(UNIVERSE)
        slicing = Slicing(lambda: RULES)
        self.rule = IntradayRule(CALENDAR, cutoffs(table("intraday")))
        self.exits = Exits(universes, slicing, self.clock)
        self.order_check = OrderCheck(
            universes, slicing, self.rule, self.clock, self.exchange.hours
        )
        self.acceptance = Acceptance(
            intake=self.intake,
            universes=universes,
            slicing=slicing,
            calendar=CALENDAR,
            market_clock=self.clock,
            dispatcher=self.dispatcher,
            meter=self.exchange.meter,
            batch_size=50,
        )
        self.venue = self.exchange.venue
        self.desk = venue_desk(
            self.units,
            self.venue,
            self.aftermath,
            self.clock,
            risks=lambda _: flat(Decimal(100)),
            meter=self.exchange.meter,
            monotonic=lambda: self.clock().timestamp(),
            transient=(ConnectionError,),
        )
        self.execution = Execution(
            desk=self.desk,
            venue=self.venue,
            market_clock=self.clock,
            hours=self.exchange.hours,
            meter=self.exchange.meter,
            monotonic=lambda: self.clock().timestamp(),
            units=self.units,
            claim_limit=1000,
            transient=(ConnectionError,),
        )
        self.cancel_all = CancelAll(
            desk=self.desk,
            find_open_orders=self.holdings.open_orders,
            unlisted=self.exits.unlisted,
            transient=(ConnectionError,),
        )
        self.square_off = SquareOff(
            workflows=self.workflows,
            holdings=self.holdings,
            cancel_all=self.cancel_all,
            acceptance=self.acceptance,
            execution=self.execution,
            exits=self.exits,
            hours=self.exchange.hours,
            dispatcher=self.dispatcher,
        )
        self.advance = Advance(
            workflows=self.workflows,
            advancers={WorkflowKind.SQUARE_OFF: self.square_off},
            publish=self.events.publish,
            transient=(ConnectionError,),
        )
        for symbol in UNIVERSE.symbols:
            self.quote(symbol)

    def account(self, cash: str = "1000000000") -> int:
        return self.tables.account(cash)

    def close_offers(self, symbol: str = CALL) -> None:
        """Withdraw the offers of a contract, so that short positions in it cannot be bought back."""
        self.quote(symbol, ask=0)

    def quote(
        self, symbol: str = CALL, bid: int = 10_000, ask: int = 10_050, size: int = PLENTY
    ) -> None:
        """Quote a contract in paise; a side of zero is empty."""
        self.exchange.quote(symbol, bid=bid, ask=ask, last=10_000, bid_size=size, ask_size=size)

    def move_to(self, at: datetime) -> None:
        """Let it be a later time of the market, at which everything is quoted again."""
        self.clock.now = at
        self.exchange.restate()

    def accept(self, user: int, *requests: OrderRequest) -> list[int]:
        """Store orders; return their ids, those of the slices where one was sliced."""
        (outcome,) = self.acceptance.accept([Submission(user, requests, "test")])
        assert not isinstance(outcome, Exception)
        ids = [accepted.order_id for accepted in outcome]
        return [i for i in self.tables.rows if i in ids or self.order(i).parent_id in ids]

    def place(
        self, user: int, side: Side, symbol: str = CALL, units: int = LOT, **wanted: object
    ) -> int:
        """Have an order accepted and decided; return its id."""
        ids = self.accept(user, request(side, symbol, units, **wanted))
        self.execution.run_exactly(ids)
        return ids[0]

    def start(self, user: int, selection: OrderSelection = ALL, key: str = "out") -> Workflow:
        workflow, _ = self.square_off.start(user, selection, key=key, actor="ann")
        return workflow

    def step(self, workflow: Workflow) -> SquareOffRecord:
        """Take one step; return how far it has come."""
        with suppress(ConnectionError):
            self.advance.run(workflow.id)
        return self.square_off.read(workflow.user_id, workflow.id)

    def row(self, order_id: int) -> Row:
        return self.tables.rows[order_id]

    def order(self, order_id: int) -> Order:
        return self.tables.rows[order_id].order

    def put(self, order_id: int, status: OrderStatus, filled: int = 0) -> None:
        """Let an order stand somewhere, as if the market or another process had put it there."""
        order = self.order(order_id)
        order.status, order.filled_quantity = status, filled

    def leave_on_the_way(self, user: int, workflow_id: int) -> int:
        """Store an exit that another process has sent to a venue and waits for."""
        name = f"square-off {workflow_id} 1"
        (order_id,) = self.accept(user, request(client_order_id=name))
        self.put(order_id, OrderStatus.SUBMITTING)
        self.row(order_id).lease_until = self.clock() + timedelta(days=1)
        return order_id

    @property
    def sent(self) -> list[Order]:
        """The exits of square-offs, in the order in which they were stored."""
        return [row.order for _, row in sorted(self.tables.rows.items()) if row.order.is_exit]

    @property
    def held(self) -> Mapping[tuple[int, str, Product], int]:
        """Units by account, contract and product."""
        return {place: p.quantity for place, p in self.tables.positions.items() if p.quantity}

    def due_in(self, workflow: Workflow) -> float:
        """Return the seconds until the relay asks for a workflow again."""
        return (self.workflows.due_at[workflow.id] - self.clock()).total_seconds()


_numbers = iter(range(1, 10**9))


def request(
    side: Side = Side.BUY, symbol: str = CALL, units: int = LOT, **wanted: object
) -> OrderRequest:
    """Return an order at market under a new name, with whatever else it is to say."""
    fields: dict[str, object] = {
        "client_order_id": f"d{next(_numbers)}",
        "order_type": OrderType.MARKET if wanted.get("limit_price") is None else OrderType.LIMIT,
    }
    return replace(
        OrderRequest("", symbol, side, units, OrderType.MARKET),
        **(fields | wanted),  # type: ignore[arg-type]
    )
