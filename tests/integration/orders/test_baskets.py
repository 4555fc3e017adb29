"""Baskets against real servers: checked as a whole, hedged first, and ended by a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.book.control import OrderSelection
from angel_x.domain.orders.order import OrderRequest, Side, Validity
from angel_x.domain.workflows.basket import (
    MAX_EXITS,
    BasketRecord,
    BasketRequest,
    BasketResult,
    OnRefusal,
)
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.errors import IdempotencyConflict, InvalidOrder, WorkflowNotFound
from angel_x.services.trading.execution import Execution
from tests.builders.orders import Market

LOT = 65


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


@pytest.fixture
def user(market: Market) -> int:
    return market.account()


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def submit(
    market: Market,
    user: int,
    *orders: OrderRequest,
    name: str = "spread",
    on_refusal: OnRefusal = OnRefusal.KEEP,
) -> BasketRecord:
    basket = BasketRequest(name, orders, on_refusal)
    record, _ = market.application.workflows.baskets.submit(user, basket, "test")
    return record


def advance(market: Market, name: str = "spread") -> BasketRecord:
    ((workflow_id, user),) = rows(market, f"SELECT id, user_id FROM workflows WHERE key = '{name}'")
    market.application.workflows.advance.run(workflow_id)
    return market.application.workflows.baskets.read(user, name)


def buy(market: Market, place: int = 0, **wanted: Any) -> OrderRequest:
    return market.request(Side.BUY, market.symbols[place], **wanted)


def sell(market: Market, place: int = 1, **wanted: Any) -> OrderRequest:
    return market.request(Side.SELL, market.symbols[place], **wanted)


def unsellable(market: Market, place: int = 2) -> OrderRequest:
    """A leg that passes the check and finds nobody."""
    return sell(market, place, limit="120.00", validity=Validity.IOC)


def traded(market: Market) -> Sequence[tuple[str, str]]:
    """What has traded, in order."""
    return [
        (side, symbol)
        for side, symbol in rows(market, "SELECT side, symbol FROM fills ORDER BY id")
    ]


def test_a_basket_trades_its_hedges_before_its_sales(market: Market, user: int) -> None:
    accepted = submit(market, user, sell(market), buy(market), sell(market, 2), buy(market, 3))
    assert [order.status for order in accepted.orders] == ["received"] * 4

    basket = advance(market)

    assert (basket.status, basket.result) == (WorkflowStatus.DONE, BasketResult.FILLED)
    assert [order.status for order in basket.orders] == ["filled"] * 4
    assert [side for side, _ in traded(market)] == ["BUY", "BUY", "SELL", "SELL"]
    assert basket.exits == ()
    market.assert_invariants()


def test_nobody_decides_a_leg_whose_turn_has_not_come(market: Market, user: int) -> None:
    submit(market, user, buy(market), sell(market))

    assert market.application.trading.execution.run(list(market.statuses())) == 0

    assert set(market.statuses().values()) == {"received"}
    assert traded(market) == []


def test_sales_wait_until_every_hedge_is_filled(market: Market, user: int) -> None:
    submit(market, user, buy(market, limit="90.00"), buy(market, 3), sell(market))
    first = advance(market)
    again = advance(market)
    assert [order.status for order in first.orders] == ["working", "filled", "received"]
    assert again.status is WorkflowStatus.RUNNING

    market.quote(market.symbols[0], "88.00", "88.50")
    market.application.trading.matching.run()
    basket = advance(market)

    assert [order.status for order in basket.orders] == ["filled"] * 3
    assert basket.result is BasketResult.FILLED
    market.assert_invariants()


def test_a_basket_that_does_not_fit_the_margin_trades_nothing(market: Market) -> None:
    # Enough for the hedge alone.
    poor = market.account("poor", cash="50000")
    submit(market, poor, buy(market), sell(market))

    basket = advance(market)

    assert (basket.status, basket.result) == (WorkflowStatus.FAILED, BasketResult.REFUSED)
    assert [(o.status, o.reason) for o in basket.orders] == [("denied", "BASKET_REFUSED")] * 2
    assert rows(market, "SELECT DISTINCT detail FROM order_events WHERE status = 'denied'") == [
        ("leg 2: INSUFFICIENT_MARGIN",)
    ]
    assert traded(market) == []
    assert rows(market, "SELECT cash::text, margin_used::text FROM users") == [("50000.00", "0.00")]
    market.assert_invariants()


def test_a_basket_fits_where_its_purchases_close_what_is_short(market: Market) -> None:
    account = market.account("short", cash="250000")
    (short,) = market.accept(account, sell(market, 0))
    market.application.trading.execution.run([short.order_id])

    submit(market, account, sell(market, 1), buy(market, 0))
    basket = advance(market)

    assert basket.result is BasketResult.FILLED
    market.assert_invariants()


def test_a_refused_leg_cancels_the_rest_and_keeps_what_traded(market: Market, user: int) -> None:
    submit(market, user, buy(market), unsellable(market), sell(market, limit="130.00"))

    basket = advance(market)

    assert (basket.status, basket.result) == (WorkflowStatus.FAILED, BasketResult.KEPT)
    assert [(o.status, o.reason) for o in basket.orders] == [
        ("filled", None),
        ("canceled", "NOT_MARKETABLE"),
        ("canceled", "BASKET_REFUSED"),
    ]
    assert basket.refusals[0] == "leg 2 is canceled: NOT_MARKETABLE"
    assert rows(market, "SELECT quantity FROM positions WHERE status = 'OPEN'") == [(LOT,)]
    assert basket.exits == ()
    market.assert_invariants()


def test_a_refused_hedge_lets_no_sale_trade(market: Market, user: int) -> None:
    missing = buy(market, limit="90.00", validity=Validity.IOC)
    submit(market, user, missing, sell(market))

    basket = advance(market)

    assert basket.result is BasketResult.REFUSED
    assert [(o.status, o.reason) for o in basket.orders] == [
        ("canceled", "NOT_MARKETABLE"),
        ("canceled", "BASKET_REFUSED"),
    ]
    assert traded(market) == []
    market.assert_invariants()


def test_flattening_buys_shorts_back_before_it_sells_hedges(market: Market, user: int) -> None:
    hedge, short = market.symbols[0], market.symbols[1]
    submit(
        market, user, buy(market), sell(market), unsellable(market), on_refusal=OnRefusal.FLATTEN
    )

    basket = advance(market)

    assert (basket.status, basket.result) == (WorkflowStatus.FAILED, BasketResult.FLATTENED)
    assert list(traded(market)) == [
        ("BUY", hedge), ("SELL", short), ("BUY", short), ("SELL", hedge),
    ]  # fmt: skip
    assert [(e.client_order_id, e.priority) for e in basket.exits] == [
        ("square-off basket spread 2 1", "emergency"),
        ("square-off basket spread 1 1", "emergency"),
    ]
    assert rows(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]
    market.assert_invariants()


def test_an_exit_that_finds_too_little_is_sent_again_for_the_rest(
    market: Market, user: int
) -> None:
    hedge = buy(market, limit="90.00", quantity=LOT * 3)
    submit(market, user, hedge, unsellable(market), on_refusal=OnRefusal.FLATTEN)
    advance(market)
    market.quote(market.symbols[0], "88.00", "88.50")
    market.application.trading.matching.run()

    for bid in ("87.00", "86.00", "85.00"):
        market.quote(market.symbols[0], bid, "88.50", size=LOT)
        basket = advance(market)

    assert [(e.quantity, e.filled_quantity, str(e.average_price)) for e in basket.exits] == [
        (LOT * 3, LOT, "87.0000"),
        (LOT * 2, LOT, "86.0000"),
        (LOT, LOT, "85.0000"),
    ]
    assert basket.result is BasketResult.FLATTENED
    assert rows(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]
    market.assert_invariants()


def test_hedges_stay_while_their_shorts_cannot_be_bought_back(market: Market, user: int) -> None:
    submit(
        market, user, buy(market), sell(market), unsellable(market), on_refusal=OnRefusal.FLATTEN
    )
    forbid_exits(market, market.symbols[1])

    for _ in range(MAX_EXITS + 1):
        basket = advance(market)

    assert (basket.status, basket.result) == (WorkflowStatus.FAILED, BasketResult.STUCK)
    assert {e.symbol for e in basket.exits} == {market.symbols[1]}
    assert len(basket.exits) == MAX_EXITS
    assert rows(market, "SELECT quantity FROM positions ORDER BY symbol") == [(LOT,), (-LOT,)]
    market.assert_invariants()


def close_by_hand(market: Market, user: int, quantity: int = LOT) -> None:
    """Sell what the first contract's hedge has bought."""
    (accepted,) = market.accept(user, sell(market, 0, quantity=quantity))
    market.application.trading.execution.run([accepted.order_id])
    assert market.statuses()[accepted.order_id] == "filled"


def leave_a_sale_open(market: Market, user: int) -> None:
    """Trade the hedge of a basket to be flattened, and let its sale rest."""
    resting = sell(market, limit="120.00")
    submit(market, user, buy(market), resting, on_refusal=OnRefusal.FLATTEN)
    advance(market)
    assert list(traded(market)) == [("BUY", market.symbols[0])]


def test_what_its_owner_closed_in_the_meantime_is_not_closed_again(
    market: Market, user: int
) -> None:
    leave_a_sale_open(market, user)
    close_by_hand(market, user)
    market.application.controls.cancel_all.run(user, OrderSelection(), actor="test")

    basket = advance(market)

    assert (basket.status, basket.result) == (WorkflowStatus.FAILED, BasketResult.FLATTENED)
    assert basket.exits == ()
    assert len(traded(market)) == 2
    assert rows(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]
    market.assert_invariants()


def test_an_exit_asks_for_no_more_than_is_still_held(market: Market, user: int) -> None:
    hedge, resting = buy(market, quantity=LOT * 3), sell(market, limit="120.00")
    submit(market, user, hedge, resting, on_refusal=OnRefusal.FLATTEN)
    advance(market)
    close_by_hand(market, user)
    market.application.controls.cancel_all.run(user, OrderSelection(), actor="test")

    basket = advance(market)

    assert basket.result is BasketResult.FLATTENED
    assert [order.filled_quantity for order in basket.exits] == [LOT * 2]
    assert rows(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]
    market.assert_invariants()


def test_an_exit_that_came_too_late_opens_nothing(market: Market, user: int) -> None:
    leave_a_sale_open(market, user)
    market.application.controls.cancel_all.run(user, OrderSelection(), actor="test")
    exits: list[int] = []
    execution = market.application.trading.execution

    def overtake(order_ids: Sequence[int]) -> int:
        """Close the position after its exit was stored and before that is decided."""
        exits.extend(order_ids)
        close_by_hand(market, user)
        return decide(order_ids)

    decide = execution.run_exactly
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "run_exactly", overtake)
        advance(market)

    basket = advance(market)

    assert [(e.status, e.reason) for e in basket.exits] == [("denied", "REDUCING_ONLY")]
    assert len(exits) == 1
    assert basket.result is BasketResult.FLATTENED
    assert rows(market, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]
    market.assert_invariants()


def test_a_leg_that_its_owner_cancels_refuses_the_basket(market: Market, user: int) -> None:
    accepted = submit(market, user, buy(market), sell(market))
    market.application.trading.cancellation.cancel(user, int(accepted.orders[1].order_id))

    basket = advance(market)

    assert basket.result is BasketResult.REFUSED
    assert [order.status for order in basket.orders] == ["canceled", "canceled"]
    assert traded(market) == []
    market.assert_invariants()


def test_a_leg_above_the_freeze_quantity_is_sliced(market: Market, user: int) -> None:
    accepted = submit(market, user, buy(market, quantity=LOT * 60), sell(market))
    assert len(accepted.orders) == 2

    basket = advance(market)

    assert basket.result is BasketResult.FILLED
    assert basket.orders[0].filled_quantity == LOT * 60
    assert rows(market, "SELECT count(*) FROM orders WHERE parent_id IS NOT NULL") == [(3,)]
    assert [side for side, _ in traded(market)] == ["BUY", "BUY", "BUY", "SELL"]
    market.assert_invariants()


def test_the_same_basket_again_is_the_same_basket(market: Market, user: int) -> None:
    legs = buy(market), sell(market)
    first = submit(market, user, *legs)
    advance(market)

    record, is_new = market.application.workflows.baskets.submit(
        user, BasketRequest("spread", legs), "test"
    )

    assert not is_new
    assert [o.order_id for o in record.orders] == [o.order_id for o in first.orders]
    assert record.result is BasketResult.FILLED
    assert rows(market, "SELECT count(*) FROM orders") == [(2,)]


def test_other_content_under_the_same_name_is_a_conflict(market: Market, user: int) -> None:
    submit(market, user, buy(market), sell(market))

    with pytest.raises(IdempotencyConflict):
        submit(market, user, buy(market), sell(market, quantity=LOT * 2))

    assert rows(market, "SELECT count(*) FROM orders") == [(2,)]


def test_a_leg_that_cannot_be_accepted_keeps_the_whole_basket_out(
    market: Market, user: int
) -> None:
    with pytest.raises(InvalidOrder) as caught:
        submit(market, user, buy(market), sell(market, quantity=66))

    assert [(f.index, f.field) for f in caught.value.faults] == [(1, "quantity")]
    assert rows(market, "SELECT count(*) FROM workflows") == [(0,)]
    assert rows(market, "SELECT count(*) FROM orders") == [(0,)]


def test_another_account_has_no_such_basket(market: Market, user: int) -> None:
    other = market.account("other")
    submit(market, user, buy(market))

    with pytest.raises(WorkflowNotFound):
        market.application.workflows.baskets.read(other, "spread")


def test_a_basket_whose_legs_were_never_stored_goes_on(market: Market, user: int) -> None:
    submit(market, user, buy(market), sell(market))
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("DELETE FROM order_events")
        connection.exec_driver_sql("DELETE FROM orders")

    basket = advance(market)

    assert basket.result is BasketResult.FILLED
    market.assert_invariants()


@pytest.mark.parametrize("turn", [1, 2, 3, 4])
def test_a_basket_goes_on_from_any_point_at_which_its_process_failed(
    market: Market, user: int, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    submit(
        market, user, buy(market), sell(market), unsellable(market), on_refusal=OnRefusal.FLATTEN
    )
    honest = Execution.run_exactly
    monkeypatch.setattr(Execution, "run_exactly", failing_at(turn, honest))
    with pytest.raises(ConnectionAbortedError):
        advance(market)
    monkeypatch.setattr(Execution, "run_exactly", honest)

    basket = advance(market)

    assert basket.result is BasketResult.FLATTENED
    assert [side for side, _ in traded(market)] == ["BUY", "SELL", "BUY", "SELL"]
    market.assert_invariants()


def failing_at(turn: int, honest: Callable[..., int]) -> Callable[..., int]:
    """Fail after the execution of that call, as if its process had ended there."""
    calls = 0

    def run(self: Execution, order_ids: Sequence[int]) -> int:
        nonlocal calls
        calls += 1
        decided = honest(self, order_ids)
        if calls == turn:
            raise ConnectionAbortedError("gone")
        return decided

    return run


def forbid_exits(market: Market, symbol: str) -> None:
    """Let nobody offer a contract once the basket has sold it."""
    market.quote(symbol, "100.00", "0")


def test_a_basket_that_is_given_up_leaves_no_leg_behind(market: Market, user: int) -> None:
    submit(market, user, buy(market, limit="90.00"), sell(market))
    advance(market)
    assert rows(market, "SELECT status FROM orders ORDER BY id") == [("working",), ("received",)]
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE workflows SET rings = 1000")

    basket = advance(market)

    assert basket.status is WorkflowStatus.FAILED
    told = "SELECT status, reason FROM orders ORDER BY id"
    assert rows(market, told) == [("canceled", "BASKET_REFUSED")] * 2
    market.assert_invariants()
