"""Taking off what the trading controls do not let stand, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from angel_x.domain.book.risk import TradingRules
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import OPEN, OrderStatus, Priority, Side
from angel_x.services.trading.cancel_all import Enforcement
from tests.builders.desk import Desk, request
from tests.builders.paper import CALL, LOT, PUT
from tests.builders.poison import poison

BUY, SELL = Side.BUY, Side.SELL
CANCELED, RECEIVED, WORKING = OrderStatus.CANCELED, OrderStatus.RECEIVED, OrderStatus.WORKING
BID, ASK = Decimal(95), Decimal(110)
AT_A_TIME = 500


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def user(desk: Desk) -> int:
    return desk.account()


def rest(desk: Desk, user: int) -> int:
    return desk.place(user, BUY, PUT, limit_price=BID)


def statuses(desk: Desk, *order_ids: int) -> list[OrderStatus]:
    return [desk.order(order_id).status for order_id in order_ids]


@dataclass
class OpenOnes:
    """Offers every open order as one that a control may forbid."""

    desk: Desk
    asked: list[int] = field(default_factory=list)

    def forbidden(self, limit: int) -> list[int]:
        self.asked.append(limit)
        assert len(self.asked) < 20, "it looks for ever"
        rows = sorted(self.desk.tables.rows.items())
        return [i for i, row in rows if row.order.status in OPEN and not row.slices][:limit]


@pytest.fixture
def found(desk: Desk) -> OpenOnes:
    return OpenOnes(desk)


@pytest.fixture
def enforcement(desk: Desk, found: OpenOnes) -> Enforcement:
    return Enforcement(
        units=desk.units,
        forbidden=found,
        aftermath=desk.aftermath,
        transient=(ConnectionError,),
    )


def turn(desk: Desk, state: str, scope: str = "system", name: str = "") -> None:
    desk.tables.rules = TradingRules.from_rows([(scope, name, state)], ())


@pytest.mark.parametrize(
    ("scope", "name"), [("system", ""), ("user", "1"), ("underlying", "NIFTY")]
)
@pytest.mark.parametrize("status", sorted(OPEN))
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


def test_it_looks_again_until_nothing_is_left_five_hundred_at_a_time(
    desk: Desk, user: int, enforcement: Enforcement, found: OpenOnes
) -> None:
    desk.accept(user, *(request(BUY, PUT, limit_price=BID) for _ in range(AT_A_TIME + 1)))
    turn(desk, "halted")
    begun = desk.units.begun

    assert enforcement.is_due()
    assert enforcement.run() == AT_A_TIME + 1

    assert desk.units.begun - begun == 2
    assert not enforcement.is_due()
    assert found.asked == [1, AT_A_TIME, AT_A_TIME, AT_A_TIME, 1]


def test_an_emergency_closer_does_not_stand_under_a_halt_either(
    desk: Desk, user: int, enforcement: Enforcement
) -> None:
    desk.place(user, BUY, CALL)
    closing = desk.place(user, SELL, CALL, limit_price=ASK, priority=Priority.EMERGENCY)
    turn(desk, "halted")

    assert enforcement.run() == 1
    assert statuses(desk, closing) == [CANCELED]


def test_of_what_fails_the_others_are_canceled_and_it_does_not_look_for_ever(
    desk: Desk, user: int, enforcement: Enforcement, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [rest(desk, user) for _ in range(3)]
    turn(desk, "halted")
    poison(ids[1], ValueError("bad row"), monkeypatch)

    assert enforcement.run() == 2
    assert statuses(desk, *ids) == [CANCELED, WORKING, CANCELED]
    assert enforcement.is_due()
