"""Advancing baskets in memory: together checked, hedges first, and step by step."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import OrderRequest, OrderStatus, Priority, Product, Side, Validity
from angel_x.domain.workflows.basket import Leg, OnRefusal
from angel_x.domain.workflows.workflow import Workflow, WorkflowStatus
from tests.builders.basket_desk import BasketDesk
from tests.builders.desk import LARGEST, request
from tests.builders.paper import CALL, LOT, PUT

BUY, SELL = Side.BUY, Side.SELL
FLATTEN, KEEP = OnRefusal.FLATTEN, OnRefusal.KEEP
CANCELED, DENIED, FILLED = OrderStatus.CANCELED, OrderStatus.DENIED, OrderStatus.FILLED
RECEIVED, WORKING = OrderStatus.RECEIVED, OrderStatus.WORKING
DONE, FAILED, RUNNING = WorkflowStatus.DONE, WorkflowStatus.FAILED, WorkflowStatus.RUNNING
#: Prices at which a purchase rests, a sale rests, and a sale finds nobody.
BID, ASK = Decimal(95), Decimal(110)


@pytest.fixture
def desk() -> BasketDesk:
    return BasketDesk()


@pytest.fixture
def user(desk: BasketDesk) -> int:
    return desk.account()


def buy(units: int = LOT, symbol: str = CALL, limit: Decimal | None = None) -> OrderRequest:
    return request(BUY, symbol, units, limit_price=limit)


def sell(units: int = LOT, symbol: str = PUT, limit: Decimal | None = None) -> OrderRequest:
    return request(SELL, symbol, units, limit_price=limit)


def unsellable() -> OrderRequest:
    """Return a leg that passes the check and finds nobody."""
    return request(SELL, PUT, limit_price=ASK, validity=Validity.IOC)


def stands(desk: BasketDesk, basket: Workflow) -> list[str]:
    return [str(leg.status) for leg in desk.legs.read(basket.id)]


def trades(desk: BasketDesk) -> list[tuple[Side, str]]:
    return [(f.order.side, f.order.symbol) for book in desk.tables.books for f in book.fills]


def outcome(desk: BasketDesk, basket: Workflow) -> tuple[WorkflowStatus, object]:
    stored = desk.workflows.stored[basket.id]
    return stored.status, None if stored.outcome is None else stored.outcome["result"]


def test_hedges_trade_before_sales_and_then_it_is_done(desk: BasketDesk, user: int) -> None:
    basket = desk.submit(user, sell(), buy(), sell(), buy())
    assert trades(desk) == []

    desk.step_basket(basket)

    assert outcome(desk, basket) == (DONE, "filled")
    assert [side for side, _ in trades(desk)] == [BUY, BUY, SELL, SELL]
    assert desk.workflows.stored[basket.id].outcome == {"result": "filled", "refusals": []}
    assert desk.sent == []


def test_no_sale_is_released_while_a_hedge_is_open(desk: BasketDesk, user: int) -> None:
    basket = desk.submit(user, buy(limit=BID), buy(), sell())

    for _ in range(3):
        desk.step_basket(basket)

    legs = desk.legs.read(basket.id)
    assert [leg.status for leg in legs] == [WORKING, FILLED, RECEIVED]
    assert [leg.is_held for leg in legs] == [False, False, True]
    assert outcome(desk, basket) == (RUNNING, None)
    assert desk.due_in(basket) == pytest.approx(1.0)
    assert desk.execution.run([leg.order_id for leg in legs]) == 0

    desk.put(legs[0].order_id, FILLED, LOT)
    desk.step_basket(basket)
    assert outcome(desk, basket) == (DONE, "filled")


@pytest.fixture
def looks(desk: BasketDesk, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the baskets whose legs are read."""
    looks: list[int] = []
    known = desk.legs.read

    def counted(number: int) -> list[Leg]:
        looks.append(number)
        return known(number)

    monkeypatch.setattr(desk.legs, "read", counted)
    return looks


def test_a_step_that_decides_nothing_is_not_repeated_at_once(
    desk: BasketDesk, user: int, looks: list[int]
) -> None:
    basket = desk.submit(user, buy(limit=BID), sell())
    desk.step_basket(basket)
    looks.clear()

    desk.step_basket(basket)

    assert looks == [basket.id]


def test_an_exit_that_found_nobody_is_not_repeated_at_once(
    desk: BasketDesk, user: int, looks: list[int]
) -> None:
    basket = desk.submit(user, buy(), sell(), unsellable(), on_refusal=FLATTEN)
    desk.quote(PUT, ask=0)
    desk.step_basket(basket)
    looks.clear()

    desk.step_basket(basket)

    # The exit is stored, released and decided; then another one would be due.
    assert looks == [basket.id] * 4


def test_nothing_is_decided_that_was_not_released(desk: BasketDesk, user: int) -> None:
    basket = desk.submit(user, buy(), sell())

    assert desk.execution.run([leg.order_id for leg in desk.legs.read(basket.id)]) == 0
    assert stands(desk, basket) == ["received", "received"]


def test_what_does_not_fit_together_is_denied_together_with_the_reason_of_each(
    desk: BasketDesk,
) -> None:
    # Enough for the hedge alone.
    poor = desk.account("10000")
    basket = desk.submit(poor, buy(), sell(), sell())

    desk.step_basket(basket)

    assert stands(desk, basket) == ["denied"] * 3
    assert outcome(desk, basket) == (FAILED, "refused")
    denied = [e for e in desk.tables.events if e.status is DENIED]
    assert {(e.reason, e.actor, e.detail) for e in denied} == {
        (DenialReason.BASKET_REFUSED, "basket",
         "leg 2: INSUFFICIENT_MARGIN, leg 3: INSUFFICIENT_MARGIN")
    }  # fmt: skip
    assert trades(desk) == []
    assert desk.tables.accounts[poor].cash == 10_000
    assert len(desk.aftermath.told) == 1


def test_a_leg_that_was_canceled_before_the_check_refuses_the_basket(
    desk: BasketDesk, user: int
) -> None:
    basket = desk.submit(user, buy(), sell())
    desk.put(desk.legs.read(basket.id)[1].order_id, CANCELED)

    desk.step_basket(basket)

    assert stands(desk, basket) == ["canceled", "canceled"]
    assert outcome(desk, basket) == (FAILED, "refused")
    assert trades(desk) == []


def test_a_leg_that_is_canceled_while_it_is_checked_releases_no_other(
    desk: BasketDesk, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    basket = desk.submit(user, buy(), sell())
    read = desk.legs.read
    looks: list[list[Leg]] = []

    def looked(workflow_id: int) -> list[Leg]:
        found = read(workflow_id)
        if not looks:
            desk.put(found[1].order_id, CANCELED)
        looks.append(found)
        return found

    monkeypatch.setattr(desk.legs, "read", looked)
    desk.step_basket(basket)

    assert [leg.status for leg in looks[0]] == [RECEIVED, RECEIVED]
    assert [leg.is_held for leg in looks[1]] == [True, False]
    assert stands(desk, basket) == ["canceled", "canceled"]
    assert trades(desk) == []


@pytest.mark.parametrize(
    ("choice", "result"), [(KEEP, "kept"), (FLATTEN, "flattened")], ids=["keep", "flatten"]
)
def test_a_refusal_cancels_the_open_legs_and_keeps_or_closes_what_has_traded(
    desk: BasketDesk, user: int, choice: OnRefusal, result: str
) -> None:
    basket = desk.submit(user, buy(), unsellable(), sell(limit=ASK), on_refusal=choice)

    desk.step_basket(basket)

    legs = [leg for leg in desk.legs.read(basket.id) if not leg.is_exit]
    assert [(leg.status, leg.reason) for leg in legs] == [
        (FILLED, None),
        (CANCELED, CancelReason.NOT_MARKETABLE),
        (CANCELED, CancelReason.BASKET_REFUSED),
    ]
    assert outcome(desk, basket) == (FAILED, result)
    stored = desk.workflows.stored[basket.id]
    assert stored.outcome is not None
    assert stored.outcome["refusals"] == [
        "leg 2 is canceled: NOT_MARKETABLE", "leg 3 is canceled: BASKET_REFUSED",
    ]  # fmt: skip
    assert desk.held == ({(user, CALL, Product.NORMAL): LOT} if choice is KEEP else {})
    assert len(desk.sent) == (0 if choice is KEEP else 1)
    taken_off = [e for e in desk.tables.events if e.reason == CancelReason.BASKET_REFUSED]
    assert [e.actor for e in taken_off] == ["basket"]
    told = [m.order.id for book in desk.aftermath.told for m in book.moves]
    assert legs[2].order_id in told


def test_flattening_buys_shorts_back_before_hedges_are_sold(desk: BasketDesk, user: int) -> None:
    basket = desk.submit(user, buy(), sell(), unsellable(), on_refusal=FLATTEN)

    desk.step_basket(basket)

    assert outcome(desk, basket) == (FAILED, "flattened")
    assert trades(desk) == [(BUY, CALL), (SELL, PUT), (BUY, PUT), (SELL, CALL)]
    assert desk.held == {}
    for order in desk.sent:
        assert (order.validity, order.priority) == (Validity.IOC, Priority.EMERGENCY)
        assert order.limit_price is not None
    assert [order.client_order_id for order in desk.sent] == [
        "square-off basket spread 2 1", "square-off basket spread 1 1",
    ]  # fmt: skip


def test_hedges_stay_while_a_short_cannot_be_bought_back_and_one_exit_is_sent_a_step(
    desk: BasketDesk, user: int
) -> None:
    basket = desk.submit(user, buy(), sell(), unsellable(), on_refusal=FLATTEN)
    desk.quote(PUT, ask=0)

    for attempt in range(1, 30):
        desk.step_basket(basket)
        assert [order.symbol for order in desk.sent] == [PUT] * attempt
        assert outcome(desk, basket)[0] is RUNNING
        assert desk.due_in(basket) == pytest.approx(1.0)
    desk.step_basket(basket)

    assert outcome(desk, basket) == (FAILED, "stuck")
    assert len(desk.sent) == 30
    assert desk.held == {(user, CALL, Product.NORMAL): LOT, (user, PUT, Product.NORMAL): -LOT}


def test_an_exit_is_for_what_has_traded_and_is_still_held(desk: BasketDesk, user: int) -> None:
    basket = desk.submit(user, buy(3 * LOT), sell(limit=ASK), on_refusal=FLATTEN)
    desk.step_basket(basket)
    desk.place(user, SELL, CALL)
    desk.cancel_all.run(user, desk.everything, actor="ann")

    desk.step_basket(basket)

    assert [(order.symbol, order.quantity) for order in desk.sent] == [(CALL, 2 * LOT)]
    assert outcome(desk, basket) == (FAILED, "flattened")
    assert desk.held == {}


def test_a_sliced_hedge_is_released_whole_before_any_sale(desk: BasketDesk, user: int) -> None:
    basket = desk.submit(user, sell(), buy(2 * LARGEST))
    (_, hedge) = desk.legs.read(basket.id)
    assert len(hedge.parts) == 2

    desk.step_basket(basket)

    assert outcome(desk, basket) == (DONE, "filled")
    assert [side for side, _ in trades(desk)] == [BUY, BUY, SELL]


def test_legs_that_were_never_stored_are_stored_by_the_next_action(
    desk: BasketDesk, user: int
) -> None:
    basket = desk.submit(user, buy(), sell())
    desk.forget_orders()

    desk.step_basket(basket)

    assert outcome(desk, basket) == (DONE, "filled")
    assert [leg.client_order_id for leg in desk.legs.read(basket.id)] == [
        "basket spread 1", "basket spread 2",
    ]  # fmt: skip


def test_a_basket_that_is_given_up_leaves_no_leg_behind(desk: BasketDesk, user: int) -> None:
    basket = desk.submit(user, buy(limit=BID), sell(), buy())
    desk.step_basket(basket)
    assert stands(desk, basket) == ["working", "received", "filled"]

    desk.basket_advancer.withdraw(desk.workflows.stored[basket.id])

    assert stands(desk, basket) == ["canceled", "canceled", "filled"]
    assert desk.tables.accounts[user].open_orders == 0


@pytest.mark.parametrize("turn", [1, 2, 3, 4])
def test_it_goes_on_from_any_point_at_which_its_process_failed(
    desk: BasketDesk, user: int, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    basket = desk.submit(user, buy(), sell(), unsellable(), on_refusal=FLATTEN)
    run, calls = desk.execution.run_exactly, []

    def fail_after(order_ids: Sequence[int]) -> int:
        decided = run(order_ids)
        calls.append(decided)
        if len(calls) == turn:
            raise ConnectionAbortedError
        return decided

    monkeypatch.setattr(desk.execution, "run_exactly", fail_after)
    with pytest.raises(ConnectionAbortedError):
        desk.step_basket(basket)
    desk.step_basket(basket)

    assert outcome(desk, basket) == (FAILED, "flattened")
    assert [side for side, _ in trades(desk)] == [BUY, SELL, BUY, SELL]
    assert desk.held == {}
