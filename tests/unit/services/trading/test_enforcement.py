"""Taking off what the trading controls do not let stand, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.control import ControlledOrder
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import OPEN, Order, OrderStatus, Priority, Side
from angel_x.services.trading import cancel_all
from angel_x.services.trading.cancel_all import Enforcement
from tests.builders.desk import Desk, request
from tests.builders.paper import CALL, LOT, PUT
from tests.builders.poison import poison
from tests.fakes.tables import Row

BUY, SELL = Side.BUY, Side.SELL
CANCELED, RECEIVED, WORKING = OrderStatus.CANCELED, OrderStatus.RECEIVED, OrderStatus.WORKING
BID, ASK = Decimal(95), Decimal(110)
AT_A_TIME = 500


def _is_open(row: Row) -> bool:
    return row.order.status in OPEN and not row.slices


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def user(desk: Desk) -> int:
    return desk.account()


def rest(desk: Desk, user: int) -> int:
    return desk.place(user, BUY, PUT, limit_price=BID)


def leave_at_once(desk: Desk, user: int) -> int:
    return desk.place(user, SELL, CALL, limit_price=ASK, priority=Priority.EMERGENCY)


def statuses(desk: Desk, *order_ids: int) -> list[OrderStatus]:
    return [desk.order(order_id).status for order_id in order_ids]


@dataclass
class OpenOnes:
    """Shows every open order as one that a trading state concerns."""

    desk: Desk
    #: How many orders were looked at at a time.
    pages: list[int] = field(default_factory=list)
    #: The time, and the seconds that each page takes.
    now: float = 0.0
    page_seconds: float = 0.0
    #: How often another call was asked for.
    asked: int = 0

    def controlled_ids(self) -> list[int]:
        rows = sorted(self.desk.tables.rows.items(), reverse=True)
        return [order_id for order_id, row in rows if _is_open(row)]

    def controlled(self, order_ids: Sequence[int]) -> list[ControlledOrder]:
        self.pages.append(len(order_ids))
        self.now += self.page_seconds
        rows = [self.desk.tables.rows[order_id] for order_id in sorted(order_ids, reverse=True)]
        return [self._shown(row.order) for row in rows if _is_open(row)]

    def ask(self) -> bool:
        self.asked += 1
        return True

    def _shown(self, order: Order) -> ControlledOrder:
        place, tables = (order.user_id, order.symbol), self.desk.tables
        return ControlledOrder(
            id=order.id,
            side=order.side,
            leaves_quantity=order.leaves_quantity,
            priority=order.priority,
            status=order.status,
            is_exit=order.is_exit,
            state=tables.rules.state(order.user_id, underlying_of(order.symbol)),
            exposure=tables.exposures.get(place, Exposure(*place)),
        )


@pytest.fixture
def found(desk: Desk) -> OpenOnes:
    return OpenOnes(desk)


@pytest.fixture
def enforcement(desk: Desk, found: OpenOnes) -> Enforcement:
    return Enforcement(
        desk=desk.desk,
        orders=found,
        ask_again=found.ask,
        monotonic=lambda: found.now,
        transient=(ConnectionError,),
    )


def turn(desk: Desk, state: str, scope: str = "system", name: str = "") -> None:
    desk.tables.rules = TradingRules.from_rows([(scope, name, state)], ())


@pytest.mark.parametrize(
    ("scope", "name"), [("system", ""), ("user", "1"), ("underlying", "NIFTY")]
)
@pytest.mark.parametrize("status", sorted(OPEN - {OrderStatus.PENDING_CANCEL}))
def test_a_halt_of_any_scope_cancels_open_orders_of_every_status(
    desk: Desk, user: int, enforcement: Enforcement, scope: str, name: str, status: OrderStatus
) -> None:
    order_id = rest(desk, user)
    desk.put(order_id, status, filled=13 if status is OrderStatus.PARTIALLY_FILLED else 0)
    turn(desk, "halted", scope, name)

    assert enforcement.run() == 1

    event = desk.tables.events[-1]
    assert (event.order_id, event.status, event.actor, event.reason) == (
        order_id, CANCELED, "kill-switch", CancelReason.KILL_SWITCH,
    )  # fmt: skip
    assert statuses(desk, order_id) == [CANCELED]
    assert [m.order.id for m in desk.aftermath.told[-1].moves] == [order_id]
    assert enforcement.run() == 0


@pytest.mark.parametrize(
    ("scope", "name"), [("user", "2"), ("underlying", "BANKNIFTY"), ("user", "NIFTY")]
)
@pytest.mark.parametrize("state", ["halted", "reducing", "active"])
def test_what_another_scope_forbids_stays_whatever_was_found(
    desk: Desk, user: int, enforcement: Enforcement, scope: str, name: str, state: str
) -> None:
    order_id = rest(desk, user)
    turn(desk, state, scope, name)

    assert enforcement.run() == 0
    assert statuses(desk, order_id) == [WORKING]


def test_while_reducing_what_waits_is_left_to_its_decision(
    desk: Desk, user: int, enforcement: Enforcement
) -> None:
    (waiting,) = desk.accept(user, request())
    turn(desk, "reducing")

    assert enforcement.run() == 0
    assert statuses(desk, waiting) == [RECEIVED]


@pytest.mark.parametrize("side", Side)
def test_while_reducing_the_oldest_orders_stay_that_the_position_covers(
    desk: Desk, user: int, enforcement: Enforcement, side: Side
) -> None:
    away = {Side.BUY: BID, Side.SELL: ASK}
    desk.place(user, SELL if side is BUY else BUY, CALL, 2 * LOT)
    closing = [desk.place(user, side, CALL, limit_price=away[side]) for _ in range(3)]
    other = SELL if side is BUY else BUY
    opening = desk.place(user, other, CALL, limit_price=away[other])
    turn(desk, "reducing")

    assert enforcement.run() == 2

    assert statuses(desk, *closing, opening) == [WORKING, WORKING, CANCELED, CANCELED]


def test_it_looks_page_by_page_and_cancels_five_hundred_at_a_time(
    desk: Desk, user: int, enforcement: Enforcement, found: OpenOnes
) -> None:
    ids = desk.accept(user, *(request(BUY, PUT, limit_price=BID) for _ in range(AT_A_TIME + 1)))
    turn(desk, "halted")
    begun = desk.units.begun

    assert enforcement.is_due()
    assert enforcement.run() == AT_A_TIME + 1

    assert desk.units.begun - begun == 2
    assert not enforcement.is_due()
    assert found.pages == [AT_A_TIME, AT_A_TIME, 1]
    assert statuses(desk, *ids) == [CANCELED] * len(ids)


def test_a_call_that_takes_too_long_asks_for_another_one(
    desk: Desk,
    user: int,
    enforcement: Enforcement,
    found: OpenOnes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancel_all, "_AT_A_TIME", 2)
    ids = [rest(desk, user) for _ in range(5)]
    turn(desk, "halted")
    found.page_seconds = 3.0

    assert (enforcement.run(), found.asked) == (4, 1)
    assert statuses(desk, *ids) == [WORKING, *[CANCELED] * 4]
    assert (enforcement.run(), found.asked) == (1, 1)


def test_a_page_of_orders_that_may_stand_hides_none_behind_it(
    desk: Desk, user: int, enforcement: Enforcement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancel_all, "_AT_A_TIME", 2)
    opening = rest(desk, user)
    desk.place(user, BUY, CALL, 5 * LOT)
    closing = [leave_at_once(desk, user) for _ in range(5)]
    turn(desk, "halted")

    assert enforcement.is_due()
    assert enforcement.run() == 1

    assert statuses(desk, opening, *closing) == [CANCELED] + [WORKING] * 5
    assert not enforcement.is_due()


def test_an_emergency_order_that_closes_stands_under_a_halt_and_trades(
    desk: Desk, user: int, enforcement: Enforcement
) -> None:
    desk.place(user, BUY, CALL)
    turn(desk, "halted")
    closing = leave_at_once(desk, user)
    assert statuses(desk, closing) == [WORKING]

    assert not enforcement.is_due()
    assert enforcement.run() == 0

    assert statuses(desk, closing) == [WORKING]


@pytest.mark.parametrize(
    ("held", "stays"), [(LOT, [WORKING, CANCELED]), (2 * LOT, [WORKING, WORKING])]
)
def test_under_a_halt_emergency_orders_stand_as_far_as_the_position_covers_them(
    desk: Desk, user: int, enforcement: Enforcement, held: int, stays: list[OrderStatus]
) -> None:
    desk.place(user, BUY, CALL, held)
    closing = [leave_at_once(desk, user) for _ in range(2)]
    turn(desk, "halted")

    assert enforcement.run() == stays.count(CANCELED)
    assert statuses(desk, *closing) == stays


@pytest.mark.parametrize("held", [0, LOT])
def test_an_emergency_order_that_waits_under_a_halt_stays_where_it_would_close(
    desk: Desk, user: int, enforcement: Enforcement, held: int
) -> None:
    if held:
        desk.place(user, BUY, CALL, held)
    (waiting,) = desk.accept(user, request(SELL, priority=Priority.EMERGENCY))
    turn(desk, "halted")

    assert enforcement.run() == (0 if held else 1)
    assert statuses(desk, waiting) == [RECEIVED if held else CANCELED]


def test_an_order_that_its_venue_was_asked_to_cancel_is_left_to_the_answer(
    desk: Desk, user: int, enforcement: Enforcement
) -> None:
    desk.put(rest(desk, user), OrderStatus.PENDING_CANCEL)
    turn(desk, "halted")

    assert not enforcement.is_due()
    assert enforcement.run() == 0


@pytest.mark.parametrize("state", ["halted", "reducing"])
def test_an_order_of_a_square_off_stands_under_every_state(
    desk: Desk, user: int, enforcement: Enforcement, state: str
) -> None:
    desk.place(user, BUY, CALL)
    leaving = desk.place(user, SELL, CALL, limit_price=ASK, client_order_id="square-off 7 1")
    turn(desk, state)

    assert not enforcement.is_due()
    assert enforcement.run() == 0
    assert statuses(desk, leaving) == [WORKING]


def test_of_what_fails_the_others_are_canceled_and_it_does_not_look_for_ever(
    desk: Desk, user: int, enforcement: Enforcement, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [rest(desk, user) for _ in range(3)]
    turn(desk, "halted")
    poison(ids[1], ValueError("bad row"), monkeypatch)

    assert enforcement.run() == 2
    assert statuses(desk, *ids) == [CANCELED, WORKING, CANCELED]
    assert enforcement.is_due()
