"""Doorbells that ring for nothing: a lane full of them delays the next lane by a few tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from celery import Celery

from angel_x.adapters.celery_message import Message, encoded
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Priority
from config.addresses import kombu_address
from config.queues import WORKER_QUEUES, QueueName
from config.task_names import TaskName
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.e2e.processes import Processes, eventually

pytestmark = pytest.mark.e2e

ORDER_QUEUES = ",".join(WORKER_QUEUES["orders"])
EMPTY = 413


@pytest.fixture
def application(environment: dict[str, str]) -> Iterator[Application]:
    with application_on(environment) as application:
        yield application


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def accept(market: Market, user: int, priority: Priority = Priority.NORMAL) -> int:
    (accepted,) = market.accept(user, market.request(priority=priority))
    return accepted.order_id


def leave_empty_doorbells(market: Market, user: int) -> None:
    """Put doorbells of an order that is decided into ``normal``, as any Celery client sends them."""
    decided = accept(market, user)
    market.application.trading.execution.run([decided])
    market.application.base.dispatcher.close()
    market.application.base.broker.delete(QueueName.NORMAL)
    empty = Message(TaskName.PROCESS_ORDER_BATCH, QueueName.NORMAL, ([str(decided)],))
    market.application.base.broker.lpush(empty.queue.value, *(encoded(empty) for _ in range(EMPTY)))


def batches(market: Market) -> int:
    """Return how many doorbells the worker has answered."""
    address = market.application.base.settings.needed("broker_url")
    with closing(Celery(broker=kombu_address(address), set_as_current=False)) as app:
        (stats,) = app.control.inspect(timeout=120, limit=1).stats().values()
    total: dict[str, int] = stats["total"]
    return total.get(TaskName.PROCESS_ORDER_BATCH, 0)


def test_an_order_in_low_waits_for_no_more_than_a_few_empty_doorbells_in_normal(
    system: Processes, market: Market
) -> None:
    leave_empty_doorbells(market, market.account("before"))
    low = accept(market, market.account(), Priority.LOW)
    # The message lies there before the worker looks.
    market.application.base.dispatcher.close()

    system.worker("orders", ORDER_QUEUES, processes=2)

    eventually(lambda: market.statuses()[low] == "filled", "the order in low is decided")
    assert batches(market) <= 10
    assert market.application.base.broker.llen(QueueName.NORMAL) == 0


def test_an_order_whose_doorbell_stood_among_empty_ones_is_decided_without_a_relay(
    system: Processes, market: Market
) -> None:
    user = market.account("before")
    leave_empty_doorbells(market, user)
    normal = [accept(market, user) for _ in range(3)]
    normal += [accept(market, market.account(f"u{i}")) for i in range(3)]
    market.application.base.dispatcher.close()

    system.worker("orders", ORDER_QUEUES, processes=2)

    eventually(
        lambda: {market.statuses()[i] for i in normal} == {"filled"}, "all of them are decided"
    )
    assert batches(market) <= 20


def test_a_backlog_of_a_lane_is_worked_off_from_a_few_messages(
    system: Processes, market: Market
) -> None:
    users = [market.account(f"u{i}", cash="900000000") for i in range(20)]
    accepted = [
        order.order_id
        for _ in range(5)
        for user in users
        for order in market.accept(user, *[market.request(limit="80.00") for _ in range(10)])
    ]
    market.application.base.dispatcher.close()
    # One for each process that the settings of these tests give a worker, and one for the lane.
    assert market.application.base.broker.llen(QueueName.NORMAL) == 2

    system.worker("orders", ORDER_QUEUES, processes=2)

    eventually(
        lambda: {market.statuses()[i] for i in accepted} == {"working"}, "all of them are decided"
    )
    # A hundred requests of ten orders each.
    assert batches(market) < 70
    assert market.application.base.broker.llen(QueueName.NORMAL) <= 2
