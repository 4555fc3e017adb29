"""Senders of messages that ask for the outcome, with a real worker and a bare Celery client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis
from celery import Celery

from angel_x.bootstrap import Application
from config.addresses import kombu_address
from config.queues import WORKER_QUEUES
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.e2e.processes import Processes, eventually

pytestmark = pytest.mark.e2e

ORDER_QUEUES = ",".join(WORKER_QUEUES["orders"])
DEADLINE_SECONDS = 240


@pytest.fixture
def result_url(environment: dict[str, str]) -> str:
    return environment["ANGEL_X_CACHE_URL"]


@pytest.fixture
def application(environment: dict[str, str]) -> Iterator[Application]:
    with application_on(environment) as application:
        yield application


@pytest.fixture
def market(application: Application) -> Market:
    market = Market.open(application)
    market.account("demo")
    return market


@pytest.fixture
def client(environment: dict[str, str], result_url: str) -> Iterator[Celery]:
    """A client that knows the addresses of the message broker and of the results."""
    broker = kombu_address(environment["ANGEL_X_BROKER_URL"])
    client = Celery(broker=broker, backend=kombu_address(result_url), set_as_current=False)
    yield client
    client.close()


def order(market: Market, client_order_id: str, **changes: object) -> dict[str, object]:
    fields = {"symbol": market.symbols[0], "side": "BUY", "quantity": 65}
    return {"client_order_id": client_order_id, **fields, **changes}


def ask(client: Celery, *args: object, **kwargs: object) -> Any:
    """Send a message and wait for its result."""
    sent = client.send_task("orders.submit", args=args, kwargs=kwargs, ignore_result=False)
    return sent.get(timeout=DEADLINE_SECONDS)


def results_at(url: str) -> int:
    with closing(redis.Redis.from_url(url)) as server:
        return sum(1 for _ in server.scan_iter("celery-task-meta-*"))


def all_filled(market: Market, count: int) -> bool:
    return list(market.statuses().values()) == ["filled"] * count


def test_a_sender_that_asks_gets_the_receipts_or_the_problem(
    system: Processes, market: Market, client: Celery, result_url: str
) -> None:
    system.worker("orders", ORDER_QUEUES, ANGEL_X_RESULT_URL=result_url)

    accepted = ask(client, {"orders": [order(market, "a"), order(market, "b")]})
    eventually(lambda: all_filled(market, 2), "both are filled")
    again = ask(client, order(market, "b"), user="demo")
    refused = ask(client, order(market, "c", quantity=66))
    conflict = ask(client, order(market, "a", side="SELL"))
    unknown = ask(client, order(market, "d"), user="stranger")
    unfit = ask(client)

    assert [sorted(receipt) for receipt in accepted["orders"]] == [
        ["client_order_id", "order_id", "status"]
    ] * 2
    assert [receipt["client_order_id"] for receipt in accepted["orders"]] == ["a", "b"]
    assert {int(receipt["order_id"]) for receipt in accepted["orders"]} == set(market.statuses())
    assert again == {"orders": [{**accepted["orders"][1], "status": "filled"}]}
    assert (refused["status"], refused["title"]) == (422, "Invalid order")
    assert [(e["index"], e["field"], e["value"]) for e in refused["errors"]] == [
        (0, "quantity", "66")
    ]
    assert [p["status"] for p in (conflict, unknown, unfit)] == [409, 400, 400]
    assert all_filled(market, 2)
    market.assert_invariants()


def test_only_a_message_that_asks_leaves_a_result(
    system: Processes, market: Market, client: Celery, result_url: str
) -> None:
    system.worker("orders", ORDER_QUEUES, ANGEL_X_RESULT_URL=result_url)

    client.send_task("orders.submit", args=[order(market, "a")])
    client.send_task("orders.submit", args=[order(market, "b")], ignore_result=True)
    client.send_task("orders.submit", args=[order(market, "bad", quantity=66)])
    match = client.send_task("orders.match", queue="orders.high", ignore_result=False)
    broker = market.application.base.broker
    eventually(
        lambda: broker.llen("orders.high") == 0, "the worker has taken the matcher's message"
    )
    # One process takes one message after the other, so all of them have run by then.
    (receipt,) = ask(client, order(market, "c"))["orders"]

    eventually(lambda: all_filled(market, 3), "three are filled")
    assert receipt["client_order_id"] == "c"
    assert (results_at(result_url), match.state) == (1, "PENDING")
    match.forget()


def test_without_a_place_for_results_none_are_written(
    system: Processes, market: Market, client: Celery, result_url: str
) -> None:
    system.worker("orders", ORDER_QUEUES)

    sent = client.send_task("orders.submit", args=[order(market, "a")], ignore_result=False)

    eventually(lambda: all_filled(market, 1), "it is filled")
    assert (sent.state, results_at(result_url)) == ("PENDING", 0)
    sent.forget()


def test_orders_are_accepted_while_nobody_takes_their_results(
    system: Processes, market: Market, client: Celery
) -> None:
    system.worker("orders", ORDER_QUEUES, ANGEL_X_RESULT_URL="redis://127.0.0.1:1/0")

    sent = [
        client.send_task("orders.submit", args=[order(market, f"o{n}")], ignore_result=False)
        for n in range(5)
    ]

    eventually(lambda: all_filled(market, 5), "all are filled")
    assert "reply.lost" in system.log("orders")
    assert "task.failed" not in system.log("orders")
    for result in sent:
        result.forget()
