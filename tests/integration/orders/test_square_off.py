"""Square-off on real servers: from whatever an account holds to flat, and never beyond."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.book.control import ControlScope, OrderSelection
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import Product, Side
from angel_x.domain.workflows.square_off import SquareOffRecord
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.errors import IdempotencyConflict, UnknownContract, WorkflowNotFound
from tests.builders.orders import Market

EVERYTHING = OrderSelection()


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def trade(
    market: Market,
    user: int,
    side: Side,
    symbol: str,
    quantity: int = 65,
    limit: str | None = None,
    product: Product = Product.NORMAL,
) -> int:
    request = replace(market.request(side, symbol, limit=limit, quantity=quantity), product=product)
    accepted = market.accept(user, request)
    market.application.trading.execution.run([order.order_id for order in accepted])
    while market.application.trading.execution.run([order.order_id for order in accepted]):
        pass
    return accepted[0].order_id


def square_off(
    market: Market, user: int, selection: OrderSelection = EVERYTHING, key: str = "exit"
) -> SquareOffRecord:
    """Start a square-off and take one step."""
    workflow, _ = market.application.workflows.square_off.start(
        user, selection, key=key, actor="test"
    )
    market.application.workflows.advance.run(workflow.id)
    return market.application.workflows.square_off.read(user, workflow.id)


def held(market: Market) -> list[tuple[Any, ...]]:
    return rows(
        market,
        "SELECT symbol, product, quantity FROM positions WHERE status = 'OPEN' ORDER BY 1, 2",
    )


def exits(market: Market) -> list[tuple[Any, ...]]:
    return rows(
        market,
        "SELECT side, quantity, status FROM orders WHERE client_order_id LIKE 'square-off %%' "
        "ORDER BY id",
    )


def test_short_positions_are_bought_back_before_long_ones_are_sold(market: Market) -> None:
    user = market.account()
    hedge, short = market.symbols[0], market.symbols[1]
    trade(market, user, Side.BUY, hedge, 130)
    trade(market, user, Side.SELL, short, 65)

    record = square_off(market, user)

    assert (record.status, record.flat, record.left) == (WorkflowStatus.DONE, True, ())
    assert exits(market) == [("BUY", 65, "filled"), ("SELL", 130, "filled")]
    assert [(leg.symbol, leg.side, leg.filled_quantity) for leg in record.legs] == [
        (short, Side.BUY, 65),
        (hedge, Side.SELL, 130),
    ]
    assert held(market) == []
    market.assert_invariants()


def test_what_a_new_list_lacks_is_bought_back_by_hand_and_squared_off(market: Market) -> None:
    user = market.account()
    short, offered, other = market.symbols[:3]
    trade(market, user, Side.SELL, short, 130)
    resting = trade(market, user, Side.BUY, offered, limit="90.00")

    market.list_others()

    listed = market.application.market.universes.current().symbols
    assert {short, offered} <= {*listed}
    assert other not in listed
    market.quote(short, "100.00", "100.50")
    market.quote(offered, "100.00", "100.50")
    more = trade(market, user, Side.SELL, short, 65)
    by_hand = trade(market, user, Side.BUY, short, 65)
    statuses = market.statuses()
    assert (statuses[more], statuses[by_hand]) == ("denied", "filled"), "only to be closed"
    record = square_off(market, user)
    assert (record.status, record.flat) == (WorkflowStatus.DONE, True)
    assert market.statuses()[resting] == "canceled"

    market.list_others()

    assert not {short, offered} & {*market.application.market.universes.current().symbols}
    market.assert_invariants()


def test_long_positions_wait_while_a_short_one_cannot_be_bought_back(market: Market) -> None:
    user = market.account()
    hedge, short = market.symbols[0], market.symbols[1]
    trade(market, user, Side.BUY, hedge)
    trade(market, user, Side.SELL, short)
    market.quote(short, "100.00", "0.00")

    record = square_off(market, user)

    assert (record.status, record.flat) == (WorkflowStatus.RUNNING, False)
    assert [(rest.symbol, rest.quantity, rest.reason) for rest in record.left] == [
        (short, -65, "NO_QUOTE"),
        (hedge, 65, None),
    ]
    assert exits(market) == [("BUY", 65, "denied")]
    market.assert_invariants()


def test_a_square_off_goes_on_once_there_is_a_quote(market: Market) -> None:
    user = market.account()
    symbol = market.symbols[0]
    trade(market, user, Side.SELL, symbol)
    market.quote(symbol, "100.00", "0.00")
    record = square_off(market, user)

    market.quote(symbol, "100.00", "101.00")
    market.application.workflows.advance.run(int(record.id))

    record = market.application.workflows.square_off.read(user, int(record.id))
    assert (record.status, record.flat) == (WorkflowStatus.DONE, True)
    assert exits(market) == [("BUY", 65, "denied"), ("BUY", 65, "filled")]


def test_a_position_above_the_freeze_quantity_is_sliced(market: Market) -> None:
    user = market.account(cash="900000000")
    trade(market, user, Side.BUY, market.symbols[0], 1755 * 2 + 65)

    record = square_off(market, user)

    assert record.flat
    assert exits(market) == [
        ("SELL", 1755, "filled"),
        ("SELL", 1755, "filled"),
        ("SELL", 65, "filled"),
    ]


def test_what_the_market_does_not_show_is_closed_at_a_later_quote(market: Market) -> None:
    user = market.account()
    symbol = market.symbols[0]
    trade(market, user, Side.BUY, symbol, 195)
    market.quote(symbol, "99.00", "100.50", size=65)

    record = square_off(market, user)
    assert (record.status, record.left[0].quantity) == (WorkflowStatus.RUNNING, 130)
    market.quote(symbol, "98.00", "100.50")
    market.application.workflows.advance.run(int(record.id))

    assert market.application.workflows.square_off.read(user, int(record.id)).flat
    assert rows(market, "SELECT sum(quantity) FROM fills WHERE side = 'SELL'") == [(195,)]
    market.assert_invariants()


def test_open_orders_are_canceled_first(market: Market) -> None:
    user = market.account()
    resting = trade(market, user, Side.BUY, market.symbols[0], limit="80.00")
    (waiting,) = market.accept(user, market.request())

    record = square_off(market, user)

    assert (record.status, record.flat, record.open_orders) == (WorkflowStatus.DONE, True, 0)
    assert rows(market, "SELECT id, status, reason FROM orders ORDER BY id") == [
        (resting, "canceled", CancelReason.SQUARED_OFF),
        (waiting.order_id, "canceled", CancelReason.SQUARED_OFF),
    ]
    market.assert_invariants()


def test_only_what_was_selected_is_squared_off(market: Market) -> None:
    user = market.account()
    first, second = market.symbols[:2]
    trade(market, user, Side.BUY, first, product=Product.INTRADAY)
    trade(market, user, Side.BUY, first)
    trade(market, user, Side.BUY, second, product=Product.INTRADAY)
    other = trade(market, user, Side.BUY, second, limit="80.00")
    selection = OrderSelection(symbol=first, product=Product.INTRADAY)

    record = square_off(market, user, selection)

    assert record.flat
    assert held(market) == [(first, "NRML", 65), (second, "MIS", 65)]
    assert market.statuses()[other] == "working"
    market.assert_invariants()


def test_a_contract_that_nobody_holds_leaves_everything_alone(market: Market) -> None:
    user = market.account()
    trade(market, user, Side.BUY, market.symbols[0])

    record = square_off(market, user, OrderSelection(symbol=market.symbols[1]))

    assert (record.status, record.flat, record.legs) == (WorkflowStatus.DONE, True, ())
    assert len(held(market)) == 1


def test_a_second_call_with_the_same_key_sends_nothing_more(market: Market) -> None:
    user = market.account()
    trade(market, user, Side.BUY, market.symbols[0])

    first = square_off(market, user)
    second = square_off(market, user)

    assert second == first
    assert len(exits(market)) == 1


def test_the_same_key_for_something_else_is_a_conflict(market: Market) -> None:
    user = market.account()
    square_off(market, user)

    with pytest.raises(IdempotencyConflict):
        square_off(market, user, OrderSelection(underlying="NIFTY"))


def test_a_halted_account_can_still_be_squared_off(market: Market) -> None:
    user = market.account()
    trade(market, user, Side.SELL, market.symbols[0])
    market.application.controls.trading_controls.turn(
        ControlScope.SYSTEM, "", TradingState.HALTED, actor="test", reason=None
    )

    assert square_off(market, user).flat
    market.assert_invariants()


def test_a_halted_account_can_leave_one_product_while_it_holds_the_opposite_in_another(
    market: Market,
) -> None:
    user, symbol = market.account(), market.symbols[0]
    trade(market, user, Side.SELL, symbol, product=Product.INTRADAY)
    trade(market, user, Side.BUY, symbol)
    market.application.controls.trading_controls.turn(
        ControlScope.USER, str(user), TradingState.HALTED, actor="test", reason=None
    )

    assert square_off(market, user, OrderSelection(product=Product.INTRADAY)).flat
    assert held(market) == [(symbol, "NRML", 65)]
    market.assert_invariants()


def test_many_square_offs_at_once_never_turn_the_position_round(market: Market) -> None:
    user = market.account()
    trade(market, user, Side.SELL, market.symbols[0], 130)
    started = [
        market.application.workflows.square_off.start(
            user, EVERYTHING, key=f"exit-{n}", actor="test"
        )[0].id
        for n in range(6)
    ]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(market.application.workflows.advance.run, started * 3))

    assert held(market) == []
    assert rows(market, "SELECT sum(quantity) FROM fills WHERE side = 'BUY'") == [(130,)]
    market.assert_invariants()


def test_an_exit_that_came_too_late_is_refused_and_opens_nothing(market: Market) -> None:
    user, symbol = market.account(), market.symbols[0]
    trade(market, user, Side.SELL, symbol)
    late = market.request(Side.BUY, symbol, client_order_id="square-off 99 1")
    (accepted,) = market.accept(user, late)

    assert square_off(market, user).flat
    market.application.trading.execution.run([accepted.order_id])

    assert held(market) == []
    assert rows(market, "SELECT sum(quantity) FROM fills WHERE side = 'BUY'") == [(65,)]
    market.assert_invariants()


def test_orders_that_were_stored_before_a_process_died_are_used_and_not_sent_again(
    market: Market,
) -> None:
    user, symbol = market.account(), market.symbols[0]
    trade(market, user, Side.SELL, symbol)
    workflow, _ = market.application.workflows.square_off.start(
        user, EVERYTHING, key="exit", actor="test"
    )
    market.accept(
        user, market.request(Side.BUY, symbol, client_order_id=f"square-off {workflow.id} 1")
    )

    market.application.workflows.advance.run(workflow.id)

    record = market.application.workflows.square_off.read(user, workflow.id)
    assert record.flat
    assert [leg.orders for leg in record.legs] == [1]
    assert len(exits(market)) == 1


def test_what_is_not_listed_is_refused_and_never_reported_as_flat(market: Market) -> None:
    with pytest.raises(UnknownContract, match="underlying must be listed, was NIFTTY"):
        square_off(market, market.account(), OrderSelection(underlying="NIFTTY"))

    assert rows(market, "SELECT count(*) FROM workflows") == [(0,)]


def test_a_square_off_that_is_not_done_at_the_close_says_what_is_left(market: Market) -> None:
    user, symbol = market.account(), market.symbols[0]
    trade(market, user, Side.SELL, symbol)
    market.quote(symbol, "100.00", "0.00")
    record = square_off(market, user)
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            'UPDATE workflows SET spec = spec || \'{"ends_at": "2026-01-01T00:00:00+00:00"}\''
        )

    market.application.workflows.advance.run(int(record.id))

    record = market.application.workflows.square_off.read(user, int(record.id))
    assert (record.status, record.flat) == (WorkflowStatus.FAILED, False)
    assert [(rest.symbol, rest.quantity, rest.reason) for rest in record.left] == [
        (symbol, -65, "NO_QUOTE")
    ]
    market.assert_invariants()


def test_nobody_else_reads_a_square_off(market: Market) -> None:
    record = square_off(market, market.account())

    with pytest.raises(WorkflowNotFound):
        market.application.workflows.square_off.read(market.account("other"), int(record.id))
