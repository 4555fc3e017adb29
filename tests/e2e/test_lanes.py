"""Lanes on real workers: strictly one before the other, with a worker that only does emergencies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.book.control import ControlScope, OrderSelection
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import Priority, Side
from config.queues import WORKER_QUEUES
from config.task_names import ROUTES, TaskName
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.e2e.processes import Processes, eventually

pytestmark = pytest.mark.e2e

ORDER_QUEUES = ",".join(WORKER_QUEUES["orders"])
EMERGENCY_QUEUES = ",".join(WORKER_QUEUES["emergency"])


@pytest.fixture
def application(environment: dict[str, str]) -> Iterator[Application]:
    with application_on(environment) as application:
        yield application


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def decided(market: Market) -> list[int]:
    """Return the orders that were decided, in the order in which they were."""
    with market.application.base.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT order_id FROM order_events WHERE status <> 'received' ORDER BY id"
        )
        return list(rows.scalars())


def accept(market: Market, user: int, priority: Priority) -> int:
    (accepted,) = market.accept(user, market.request(priority=priority))
    return accepted.order_id


def is_flat(market: Market) -> bool:
    with market.application.base.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT 1 FROM positions WHERE status = 'OPEN'")
        return rows.first() is None


def test_lanes_are_emptied_strictly_in_their_order(system: Processes, market: Market) -> None:
    lanes = list(Priority)
    users = {lane: market.account(lane.value) for lane in lanes}
    accepted = {
        lane: [accept(market, users[lane], lane) for _ in range(6)] for lane in reversed(lanes)
    }
    # All of them are on their queues before anybody reads one.
    market.application.base.dispatcher.close()

    system.worker("orders", ORDER_QUEUES)

    eventually(lambda: len(decided(market)) == 24, "all are decided")
    assert decided(market) == [order_id for lane in lanes for order_id in accepted[lane]]


def test_the_orders_of_an_account_are_decided_in_the_order_of_their_acceptance(
    system: Processes, market: Market
) -> None:
    user = market.account(cash="900000000")
    system.worker("orders", ORDER_QUEUES, processes=2)

    order_ids = [accept(market, user, Priority.NORMAL) for _ in range(150)]

    eventually(lambda: len(decided(market)) == 150, "all are decided")
    assert decided(market) == order_ids


def test_the_emergency_worker_takes_nothing_else(system: Processes, market: Market) -> None:
    user, other = market.account(), market.account("other")
    normal = accept(market, other, Priority.NORMAL)
    system.worker("emergency", EMERGENCY_QUEUES)

    urgent = accept(market, user, Priority.EMERGENCY)

    eventually(lambda: market.statuses()[urgent] == "filled", "the urgent one is decided")
    assert market.statuses()[normal] == "received"


def test_a_square_off_needs_one_message_and_nobody_else(system: Processes, market: Market) -> None:
    user = market.account()
    hedge, short = market.symbols[:2]
    for side, symbol in ((Side.BUY, hedge), (Side.SELL, short)):
        (order,) = market.accept(user, market.request(side, symbol))
        market.application.trading.execution.run([order.order_id])
    system.worker("emergency", EMERGENCY_QUEUES)

    market.application.workflows.square_off.start(user, OrderSelection(), key="out", actor="test")

    eventually(lambda: is_flat(market), "the account is flat")
    market.assert_invariants()


def test_a_kill_switch_clears_the_market_through_the_emergency_worker(
    system: Processes, market: Market
) -> None:
    user = market.account()
    (order,) = market.accept(user, market.request(limit="80.00"))
    market.application.trading.execution.run([order.order_id])
    system.worker("emergency", EMERGENCY_QUEUES)

    market.application.controls.trading_controls.turn(
        ControlScope.SYSTEM, "", TradingState.HALTED, actor="test", reason=None
    )

    eventually(lambda: market.statuses()[order.order_id] == "canceled", "what rested is canceled")


def test_the_relay_asks_again_where_the_message_of_a_kill_switch_was_lost(
    system: Processes, market: Market
) -> None:
    user = market.account()
    (order,) = market.accept(user, market.request(limit="80.00"))
    market.application.trading.execution.run([order.order_id])
    market.application.controls.states.put(
        ControlScope.USER, str(user), TradingState.HALTED, actor="test", reason=None
    )
    market.application.base.dispatcher.close()
    market.application.base.broker.flushdb()
    system.worker("emergency", EMERGENCY_QUEUES)
    assert market.statuses()[order.order_id] == "working"

    system.start("relay", "-m", "angel_x.entrypoints.cli", "relay")

    eventually(lambda: market.statuses()[order.order_id] == "canceled", "what rested is canceled")


def test_the_relay_goes_on_with_a_square_off_whose_message_was_lost(
    system: Processes, market: Market
) -> None:
    user = market.account()
    (order,) = market.accept(user, market.request())
    market.application.trading.execution.run([order.order_id])
    market.application.workflows.square_off.start(user, OrderSelection(), key="out", actor="test")
    market.application.base.dispatcher.close()
    market.application.base.broker.flushdb()
    system.worker("emergency", EMERGENCY_QUEUES)

    system.start("relay", "-m", "angel_x.entrypoints.cli", "relay")

    eventually(lambda: is_flat(market), "the account is flat")
    market.assert_invariants()


@pytest.mark.parametrize("task", [TaskName.CANCEL_ALL, TaskName.CLOSE_INTRADAY])
def test_what_gets_out_of_the_market_goes_to_the_emergency_queue(task: TaskName) -> None:
    assert ROUTES[task].value == EMERGENCY_QUEUES
