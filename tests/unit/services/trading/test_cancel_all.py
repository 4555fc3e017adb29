"""Canceling many orders, in memory: what is taken off, what is left, and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import OPEN, OrderStatus, Product, Side
from angel_x.domain.orders.step import Step
from angel_x.errors import UnknownContract
from angel_x.services.trading.cancel_all import CancelAll
from tests.builders.desk import ALL, LARGEST, Desk, request
from tests.builders.paper import CALL, LOT, PUT
from tests.builders.poison import poison

BUY, SELL = Side.BUY, Side.SELL
CANCELED, FILLED, RECEIVED = OrderStatus.CANCELED, OrderStatus.FILLED, OrderStatus.RECEIVED
WORKING = OrderStatus.WORKING
BID, ASK = Decimal(95), Decimal(110)
AT_A_TIME = 500


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def user(desk: Desk) -> int:
    return desk.account()


def rest(desk: Desk, user: int, symbol: str = PUT, product: Product = Product.NORMAL) -> int:
    return desk.place(user, BUY, symbol, limit_price=BID, product=product)


def statuses(desk: Desk, *order_ids: int) -> list[OrderStatus]:
    return [desk.order(order_id).status for order_id in order_ids]


def answered(desk: Desk, user: int, selection: OrderSelection = ALL) -> dict[int, bool]:
    """Cancel; return which orders the answer says were canceled."""
    records = desk.cancel_all.run(user, selection, actor="ann")
    for record in records:
        order = desk.order(int(record.order_id))
        assert (record.status, record.filled_quantity) == (order.status, order.filled_quantity)
        assert (record.client_order_id, record.symbol) == (order.client_order_id, order.symbol)
        assert record.canceled == (order.status is CANCELED)
    return {int(record.order_id): record.canceled for record in records}


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_open_order_of_every_status_is_canceled_and_answered(
    desk: Desk, user: int, status: OrderStatus
) -> None:
    order_id = rest(desk, user)
    partial = status is OrderStatus.PARTIALLY_FILLED
    desk.put(order_id, status, filled=13 if partial else 0)

    assert answered(desk, user) == {order_id: True}

    assert desk.order(order_id).filled_quantity == (13 if partial else 0)
    event = desk.tables.events[-1]
    assert (event.order_id, event.status, event.actor, event.reason) == (
        order_id, CANCELED, "ann", CancelReason.REQUESTED,
    )  # fmt: skip
    assert [m.order.id for m in desk.aftermath.told[-1].moves] == [order_id]


def test_what_is_canceled_holds_nothing_any_more(desk: Desk, user: int) -> None:
    bid, offer = rest(desk, user), desk.place(user, SELL, CALL, limit_price=ASK)
    account = desk.tables.accounts[user]
    assert account.margin_used > 0
    assert account.open_orders == 2

    assert answered(desk, user) == {bid: True, offer: True}

    account = desk.tables.accounts[user]
    assert [account.margin_used, account.open_orders] == [0, 0]
    for exposure in desk.tables.exposures.values():
        assert (exposure.open_buy_quantity, exposure.open_sell_quantity) == (0, 0)


def test_every_slice_is_canceled_and_with_them_the_order_and_a_held_leg_too(
    desk: Desk, user: int
) -> None:
    parent, *slices = desk.accept(user, request(BUY, PUT, 2 * LARGEST, limit_price=BID))
    (leg,) = desk.accept(user, request(BUY, PUT, limit_price=BID))
    desk.row(leg).held = True

    assert answered(desk, user) == {**dict.fromkeys(slices, True), leg: True}

    assert set(statuses(desk, parent, *slices, leg)) == {CANCELED}


def test_closed_orders_and_those_of_others_and_of_square_offs_are_left_and_not_answered(
    desk: Desk, user: int
) -> None:
    other = desk.account()
    mine, foreign = rest(desk, user), rest(desk, other)
    filled = desk.place(user, BUY, CALL)
    (exit_,) = desk.accept(user, request(SELL, CALL, client_order_id="square-off 9 1"))

    assert answered(desk, user) == {mine: True}

    assert statuses(desk, foreign, filled, exit_) == [WORKING, FILLED, RECEIVED]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (OrderSelection(symbol=PUT), {"put", "intraday"}),
        (OrderSelection(product=Product.INTRADAY), {"intraday"}),
        (OrderSelection(underlying="NIFTY"), {"put", "intraday", "call"}),
    ],
)
def test_only_what_was_selected_is_canceled(
    desk: Desk, user: int, selection: OrderSelection, expected: set[str]
) -> None:
    ids = {
        "put": rest(desk, user),
        "intraday": rest(desk, user, product=Product.INTRADAY),
        "call": rest(desk, user, CALL),
    }

    assert set(answered(desk, user, selection)) == {ids[name] for name in expected}

    left = {name for name, i in ids.items() if desk.order(i).status is WORKING}
    assert left == set(ids) - expected


@dataclass
class Overtaken:
    """Finds open orders, and lets something happen before they are locked."""

    desk: Desk
    meanwhile: Callable[[], object]

    def open_orders(self, user_id: int, selection: OrderSelection) -> list[int]:
        found = self.desk.holdings.open_orders(user_id, selection)
        self.meanwhile()
        return found


def overtake(desk: Desk, meanwhile: Callable[[], object]) -> None:
    desk.cancel_all = CancelAll(
        desk=desk.desk,
        find_open_orders=Overtaken(desk, meanwhile).open_orders,
        unlisted=desk.exits.unlisted,
        transient=(ConnectionError,),
    )


@pytest.mark.parametrize("closed", [FILLED, CANCELED, OrderStatus.EXPIRED, OrderStatus.DENIED])
def test_what_closed_after_it_was_found_is_answered_as_it_ended(
    desk: Desk, user: int, closed: OrderStatus
) -> None:
    first, last = rest(desk, user), rest(desk, user)
    filled = LOT if closed is FILLED else 0
    overtake(desk, lambda: desk.put(first, closed, filled))

    records = desk.cancel_all.run(user, ALL, actor="ann")

    assert [(r.order_id, r.status, r.filled_quantity, r.canceled) for r in records] == [
        (str(first), closed, filled, False),
        (str(last), CANCELED, 0, True),
    ]
    assert [e.order_id for e in desk.tables.events if e.actor == "ann"] == [last]


def test_the_answer_is_in_the_order_of_acceptance(desk: Desk, user: int) -> None:
    ids = [rest(desk, user) for _ in range(5)]
    desk.tables.rows[ids[0]] = desk.tables.rows.pop(ids[0])

    assert list(answered(desk, user)) == ids


def test_an_order_that_fails_alone_is_left_and_not_answered_and_the_others_are_canceled(
    desk: Desk, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [rest(desk, user) for _ in range(5)]
    poison(ids[2], ValueError("bad row"), monkeypatch)

    records = desk.cancel_all.run(user, ALL, actor="ann")

    assert [int(r.order_id) for r in records] == ids[:2] + ids[3:]
    assert all(r.canceled for r in records)
    assert statuses(desk, *ids) == [CANCELED, CANCELED, WORKING, CANCELED, CANCELED]


def test_an_outage_is_raised_and_nothing_is_canceled(
    desk: Desk, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = rest(desk, user)
    poison(order_id, ConnectionError("away"), monkeypatch)

    with pytest.raises(ConnectionError):
        desk.cancel_all.run(user, ALL, actor="ann")

    assert statuses(desk, order_id) == [WORKING]


@pytest.mark.parametrize(("count", "transactions"), [(AT_A_TIME, 1), (AT_A_TIME + 1, 2)])
def test_many_orders_are_canceled_in_transactions_of_five_hundred(
    desk: Desk, user: int, count: int, transactions: int
) -> None:
    ids = desk.accept(user, *(request(BUY, PUT, limit_price=BID) for _ in range(count)))
    begun = desk.units.begun

    assert answered(desk, user) == dict.fromkeys(ids, True)

    assert desk.units.begun - begun == transactions
    assert len(desk.aftermath.told) == transactions


def test_it_is_told_only_once_it_is_durable(desk: Desk, user: int) -> None:
    rest(desk, user)
    told = len(desk.aftermath.told)
    seen: list[tuple[Step, int]] = []

    def note(step: Step) -> None:
        seen.append((step, len(desk.aftermath.told) - told))

    desk.units.at = note

    desk.cancel_all.run(user, ALL, actor="ann")

    assert seen == [(Step.CANCEL_ALL_RECORDED, 0), (Step.CANCEL_ALL_COMMITTED, 0)]
    assert len(desk.aftermath.told) == told + 1


def test_a_name_that_is_not_listed_is_refused_only_where_nothing_was_open(
    desk: Desk, user: int
) -> None:
    order_id = rest(desk, user)
    desk.order(order_id).symbol = gone = "NIFTY_25AUG26_1CE"
    wanted = OrderSelection(symbol=gone)

    assert [r.canceled for r in desk.cancel_all.run(user, wanted, actor="ann")] == [True]
    with pytest.raises(UnknownContract):
        desk.cancel_all.run(user, wanted, actor="ann")
    assert desk.cancel_all.run(user, OrderSelection(symbol=CALL), actor="ann") == []
