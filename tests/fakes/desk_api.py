"""An API in memory, as the client of the desk shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from queue import Empty, Queue
from typing import Any, cast

from angel_x.client import Client
from angel_x.domain.book.control import (
    CancellationRecord,
    Control,
    ControlList,
    ControlReceipt,
    ControlScope,
)
from angel_x.domain.book.risk import TradingState
from angel_x.domain.chains.chain_record import QuoteUpdate
from angel_x.domain.orders.order import (
    OPEN,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from angel_x.domain.portfolios.portfolio import NetGreeks, Portfolio, ScenarioGrid
from angel_x.domain.records.access import KeyHolder, Scope
from angel_x.domain.records.live_event import StreamEvent
from angel_x.domain.records.margin_record import Balance
from angel_x.domain.records.market_status import MarketStatus
from angel_x.domain.records.order_record import EventRecord, FillRecord, OrderHistory, OrderPage
from angel_x.domain.records.statement import PositionRecord
from angel_x.domain.workflows.square_off import SquareOffRecord
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.errors import ApiError, Conflict, Unauthorized, Unavailable

NOW = datetime(2026, 8, 25, 5, 0, tzinfo=UTC)
#: 10:30 in India.
EXPIRY = date(2026, 8, 25)


def make_order(number: int, **changes: Any) -> OrderHistory:
    """Return an order with its history."""
    order = OrderHistory(
        order_id=str(number),
        client_order_id=f"order {number}",
        symbol="NIFTY_25AUG26_24050CE",
        side=Side.BUY,
        quantity=130,
        filled_quantity=65,
        order_type=OrderType.LIMIT,
        price=Decimal("199.05"),
        trigger_price=None,
        validity=Validity.DAY,
        product=Product.NORMAL,
        priority=Priority.NORMAL,
        tag=None,
        status=OrderStatus.PARTIALLY_FILLED,
        reason=None,
        average_price=Decimal("198.5000"),
        accepted_at=NOW,
        updated_at=NOW,
        closed_at=None,
        events=(
            EventRecord(status=OrderStatus.RECEIVED, actor="api", reason=None, at=NOW),
            EventRecord(
                status=OrderStatus.PARTIALLY_FILLED, actor="worker", reason=None, at=NOW, attempt=1
            ),
        ),
        fills=(FillRecord(execution_id="x-1", quantity=65, price=Decimal("198.50"), at=NOW),),
    )
    return replace(order, **changes)


def make_position(symbol: str = "NIFTY_25AUG26_24050CE", **changes: Any) -> PositionRecord:
    """Return an open position of 65 units."""
    position = PositionRecord(
        id="1",
        symbol=symbol,
        product=Product.NORMAL,
        quantity=65,
        cost=Decimal("12902.50"),
        realised_pnl=Decimal("0.00"),
        entry_time=NOW,
        delta=0.5,
        gamma=0.001,
        vega=12.0,
        theta=-10.0,
        greeks_as_of=NOW,
        average_price=Decimal("198.5000"),
        mark=Decimal("201.50"),
        unrealised_pnl=Decimal("195.00"),
        day_pnl=Decimal("-45.00"),
    )
    return replace(position, **changes)


def make_balance(**changes: Any) -> Balance:
    balance = Balance(
        cash=Decimal("9987097.50"),
        collateral=Decimal(0),
        margin_used=Decimal("1234567.00"),
        free_balance=Decimal("8752530.50"),
        realised_pnl=Decimal("-1250.25"),
        unrealised_pnl=Decimal("195.00"),
        day_pnl=Decimal("-45.00"),
    )
    return replace(balance, **changes)


def make_portfolio(**changes: Any) -> Portfolio:
    greeks = NetGreeks(
        delta=32.5,
        gamma=0.065,
        vega=780.0,
        theta=-650.0,
        delta_rupees=780000.0,
        gamma_rupees=374400.0,
    )
    portfolio = Portfolio(
        user_id=1,
        cash=Decimal("9987097.50"),
        collateral=Decimal(0),
        margin_used=Decimal("1234567.00"),
        free_balance=Decimal("8752530.50"),
        realised_pnl=Decimal("-1250.25"),
        unrealised_pnl=Decimal("195.00"),
        equity=Decimal("10000195.00"),
        greeks={"NIFTY": greeks},
        scenarios=ScenarioGrid((-5.0, 0.0, 5.0), (-20.0, 0.0, 20.0), ((0.0,) * 3,) * 3),
        open_positions=1,
        stale_positions=0,
        unpriced_positions=0,
        updated_at=NOW,
        greeks_as_of=NOW,
        greeks_age_seconds=1.2,
    )
    return replace(portfolio, **changes)


OPEN_MARKET = MarketStatus(
    mode="paper",
    time=NOW,
    is_open=True,
    is_continuous=False,
    changes_at=datetime(2026, 8, 25, 10, 0, tzinfo=UTC),
)


@dataclass
class DeskApi:
    """The state behind every client; a test changes it, and takes the API away."""

    holders: dict[str, KeyHolder] = field(default_factory=dict)
    orders: dict[str, OrderHistory] = field(default_factory=dict)
    positions: list[PositionRecord] = field(default_factory=list)
    balance: Balance = field(default_factory=make_balance)
    portfolio: Portfolio = field(default_factory=make_portfolio)
    market: MarketStatus = OPEN_MARKET
    state: TradingState = TradingState.ACTIVE
    #: Raised by every call while it is set.
    outage: ApiError | None = None
    events: Queue[StreamEvent] = field(default_factory=Queue)
    updates: Queue[QuoteUpdate] = field(default_factory=Queue)
    calls: list[str] = field(default_factory=list)
    #: The square-offs that were begun, by id; a test sets their outcome.
    square_offs: dict[str, SquareOffRecord] = field(default_factory=dict)

    def add_key(self, key: str, user: str, *scopes: Scope) -> None:
        number = len(self.holders) + 1
        self.holders[key] = KeyHolder(
            user=user, user_id=number, key_prefix=f"{number:012x}", scopes=scopes
        )

    def connect(self, key: str) -> Client:
        return cast("Client", FakeClient(self, key))


class FakeClient:
    """The calls that the desk and the commands by Telegram make."""

    def __init__(self, api: DeskApi, key: str) -> None:
        self._api = api
        self._key = key

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def _asked(self, call: str) -> DeskApi:
        self._api.calls.append(call)
        if self._api.outage is not None:
            raise self._api.outage
        if self._key not in self._api.holders:
            raise Unauthorized("this key is not valid", status=401)
        return self._api

    def holder(self) -> KeyHolder:
        return self._asked("holder").holders[self._key]

    def market(self) -> MarketStatus:
        return self._asked("market").market

    def positions(self) -> list[PositionRecord]:
        return list(self._asked("positions").positions)

    def margin(self) -> Balance:
        return self._asked("margin").balance

    def portfolio(self) -> Portfolio:
        return self._asked("portfolio").portfolio

    def controls(self) -> ControlList:
        return ControlList(state=self._asked("controls").state, controls=())

    def order(self, order_id: str) -> OrderHistory:
        return self._asked("order").orders[order_id]

    def order_page(
        self, *, status: str | None = None, page_size: int = 100, **_rest: object
    ) -> OrderPage:
        orders = self._asked("order_page").orders.values()
        found = [o for o in orders if status in {None, o.status} or _is_open(o, status)]
        return OrderPage(orders=tuple(found[::-1][:page_size]), next=None)

    def cancel(self, order_id: str) -> OrderHistory:
        order = self._asked("cancel").orders[order_id]
        if order.status not in OPEN:
            raise Conflict(f"order {order_id} is closed", status=409)
        changed = replace(order, status=OrderStatus.CANCELED, closed_at=NOW)
        self._api.orders[order_id] = changed
        return changed

    def cancel_all(self) -> list[CancellationRecord]:
        orders = [o for o in self._asked("cancel_all").orders.values() if o.status in OPEN]
        return [
            CancellationRecord(
                order_id=order.order_id,
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                status=self.cancel(order.order_id).status,
                filled_quantity=order.filled_quantity,
                canceled=True,
            )
            for order in orders
        ]

    def kill_switch(
        self, state: TradingState, *, scope: ControlScope, reason: str | None = None
    ) -> ControlReceipt:
        api = self._asked("kill_switch")
        api.state = state
        if state is TradingState.HALTED:
            self.cancel_all()
        user = api.holders[self._key].user
        control = Control(
            scope=scope, name=user, state=state, actor=user, reason=reason, changed_at=NOW
        )
        fields = {name: getattr(control, name) for name in control.__slots__}
        return ControlReceipt(**fields, settled=True)

    def square_off(self, *, underlying: str | None = None, key: str) -> SquareOffRecord:
        begun = self._asked(f"square_off {underlying} {key}").square_offs
        record = SquareOffRecord(
            id=str(len(begun) + 1),
            key=key,
            status=WorkflowStatus.RUNNING,
            symbol=None,
            underlying=underlying,
            product=None,
            flat=False,
            legs=(),
            left=(),
            open_orders=0,
            created_at=NOW,
            finished_at=None,
        )
        begun[record.id] = record
        return record

    def square_off_standing(self, square_off_id: str) -> SquareOffRecord:
        return self._asked("square_off_standing").square_offs[square_off_id]

    def stream(self, _after: str | None = None) -> Iterator[StreamEvent]:
        while True:
            if self._api.outage is not None:
                raise Unavailable("the event stream broke off")
            try:
                yield self._api.events.get(timeout=0.02)
            except Empty:
                return

    def quotes(self, symbols: Collection[str]) -> Iterator[QuoteUpdate]:
        self._asked(f"quotes {','.join(sorted(symbols))}")
        while True:
            if self._api.outage is not None:
                raise Unavailable("the event stream broke off")
            try:
                yield self._api.updates.get(timeout=0.02)
            except Empty:
                continue


def _is_open(order: OrderHistory, status: str | None) -> bool:
    return status == "open" and order.status in OPEN
