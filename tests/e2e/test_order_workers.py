"""Orders through real workers: rung for, sent by strangers, lost on the way, and killed in the middle."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from celery import Celery

from angel_x.bootstrap import Application
from config.addresses import kombu_address
from config.queues import WORKER_QUEUES
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.e2e.processes import Processes, eventually

pytestmark = pytest.mark.e2e

ORDER_QUEUES = ",".join(WORKER_QUEUES["orders"])


@pytest.fixture
def application(environment: dict[str, str]) -> Iterator[Application]:
    with application_on(environment) as application:
        yield application


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


@pytest.fixture
def stranger(application: Application) -> Iterator[Celery]:
    """A Celery client that knows nothing but the message broker's address."""
    client = Celery(broker=kombu_address(application.base.settings.needed("broker_url")))
    yield client
    client.close()


def all_closed(market: Market, count: int) -> bool:
    statuses = list(market.statuses().values())
    return len(statuses) == count and "received" not in statuses


def order(market: Market, client_order_id: str, **changes: object) -> dict[str, object]:
    order = {
        "client_order_id": client_order_id,
        "symbol": market.symbols[0],
        "side": "BUY",
        "quantity": 65,
    }
    return order | changes


def test_a_rung_order_is_traded_by_a_worker(system: Processes, market: Market) -> None:
    user = market.account()
    system.worker("orders", ORDER_QUEUES)

    (accepted,) = market.accept(user, market.request())

    eventually(lambda: all_closed(market, 1), "the order is decided")
    assert market.statuses() == {accepted.order_id: "filled"}


def test_a_bare_celery_client_gets_the_same_order_for_the_same_id(
    system: Processes, market: Market, stranger: Celery
) -> None:
    user = market.account("demo")
    system.worker("orders", ORDER_QUEUES)

    for _ in range(3):
        stranger.send_task("orders.submit", args=[order(market, "s-1")])
    stranger.send_task(
        "orders.submit", args=[{"orders": [order(market, "s-2"), order(market, "s-3")]}]
    )

    eventually(lambda: all_closed(market, 3), "three orders are decided")
    assert set(market.statuses().values()) == {"filled"}
    history = market.application.people.reading.order_of_client(user, "s-1")
    assert history is not None
    market.assert_invariants()


def test_a_bare_celery_client_can_ask_why_it_was_refused(
    system: Processes, market: Market, stranger: Celery
) -> None:
    user = market.account("demo")
    system.worker("orders", ORDER_QUEUES)

    stranger.send_task("orders.submit", args=[order(market, "bad", quantity=66)])
    stranger.send_task("orders.submit", args=[order(market, "good")])

    eventually(lambda: all_closed(market, 1), "the good one is decided")
    problem = eventually(
        lambda: market.application.intake.refusals.get(user, "bad"), "the refusal is kept"
    )
    (fault,) = problem.errors
    assert (fault.field, fault.value) == ("quantity", "66")


def test_an_order_whose_messages_were_all_lost_is_traded_all_the_same(
    system: Processes, market: Market
) -> None:
    user = market.account()
    accepted = market.accept(user, *[market.request() for _ in range(30)])
    market.application.base.dispatcher.close()
    market.application.base.broker.flushdb()
    system.worker("orders", ORDER_QUEUES)

    system.start("relay", "-m", "angel_x.entrypoints.cli", "relay", ANGEL_X_RING_AFTER_MS="200")

    eventually(lambda: all_closed(market, len(accepted)), "the relay has brought them home")
    assert set(market.statuses().values()) == {"filled"}
    market.assert_invariants()


def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(
    system: Processes, market: Market
) -> None:
    users = [market.account(f"u{n}") for n in range(4)]
    system.start("relay", "-m", "angel_x.entrypoints.cli", "relay", ANGEL_X_RING_AFTER_MS="200")
    total = 0
    for round_ in range(3):
        worker = system.worker(f"orders{round_}", ORDER_QUEUES, processes=2)
        for user in users * 10:
            total += len(market.accept(user, *[market.request() for _ in range(20)]))
        # Children are groups of their own, so a signal to the worker's group misses them.
        parent = psutil.Process(worker.pid)
        killed = [*parent.children(recursive=True), parent]
        for process in killed:
            process.kill()
        worker.wait(120)
        assert not psutil.wait_procs(killed, timeout=120)[1]
    system.worker("survivor", ORDER_QUEUES, processes=2)

    eventually(lambda: all_closed(market, total), "all are decided", 300)

    assert set(market.statuses().values()) == {"filled"}
    market.assert_invariants()


def test_a_killed_child_is_replaced_and_its_batch_is_traded_once(
    system: Processes, market: Market
) -> None:
    user = market.account()
    worker = system.worker("orders", ORDER_QUEUES)
    system.start("relay", "-m", "angel_x.entrypoints.cli", "relay", ANGEL_X_RING_AFTER_MS="200")
    (child,) = psutil.Process(worker.pid).children()

    for _ in range(20):
        market.accept(user, *[market.request() for _ in range(20)])
    child.kill()

    eventually(lambda: all_closed(market, 400), "all are decided", 300)
    (replacement,) = psutil.Process(worker.pid).children()
    assert replacement.pid != child.pid
    market.assert_invariants()
