"""How many orders travel together, how many a worker takes, and whose they are."""

from __future__ import annotations

import json
from base64 import b64decode
from contextlib import nullcontext
from typing import cast

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.records.access import Scope
from angel_x.domain.records.signature import sign
from angel_x.errors import InvalidInput, SignatureRefused
from config.queues import QueueName
from tests.builders.message_ids import new_id
from tests.builders.orders import Market
from tests.integration.settings.conftest import Build


def rung(application: Application) -> list[int]:
    """Take the messages off the lane, the oldest first, and return how many orders each names."""
    stored = cast("list[bytes]", application.base.broker.lrange(QueueName.NORMAL, 0, -1))
    application.base.broker.delete(QueueName.NORMAL)
    bodies = [json.loads(b64decode(json.loads(message)["body"])) for message in reversed(stored)]
    return [len(order_ids) for (order_ids,), _, _ in bodies]


def make_due(application: Application) -> None:
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET ring_at = now() - interval '1 second'")


@pytest.mark.parametrize(("size", "sizes"), [(2, [2, 2, 1]), (50, [5])])
def test_a_message_names_at_most_order_batch_size_orders(
    built: Build, size: int, sizes: list[int]
) -> None:
    application = built(ORDER_BATCH_SIZE=size, ORDER_PROCESSING_WORKERS=3)
    market = Market.open(application)

    market.accept(market.account(), *[market.request() for _ in range(5)])
    accepted = rung(application)
    make_due(application)
    application.trading.relay.sweep()

    assert accepted == sizes
    assert rung(application) == sizes


@pytest.mark.parametrize(("workers", "doorbells"), [(1, 2), (3, 4), (8, 5)])
def test_a_lane_holds_a_doorbell_for_each_process_of_a_worker_and_one_more(
    built: Build, workers: int, doorbells: int
) -> None:
    application = built(ORDER_PROCESSING_WORKERS=workers, ORDER_BATCH_SIZE=1)
    market = Market.open(application)

    market.accept(market.account(), *[market.request() for _ in range(5)])

    assert len(rung(application)) == doorbells


@pytest.mark.parametrize(("limit", "left"), [(2, 3), (500, 0)])
def test_a_claim_takes_at_most_claim_limit_orders(built: Build, limit: int, left: int) -> None:
    application = built(CLAIM_LIMIT=limit)
    market = Market.open(application)
    first, *_ = market.accept(market.account(), *[market.request() for _ in range(5)])

    application.trading.execution.run([first.order_id])

    assert list(market.statuses().values()).count("received") == left
    market.assert_invariants()


def order_in(market: Market) -> dict[str, object]:
    """Return the fields of an order as a message carries them."""
    return {"client_order_id": "a", "symbol": market.symbols[0], "side": "BUY", "quantity": 65}


@pytest.mark.parametrize("name", ["asha", "ravi"])
def test_a_message_without_an_account_is_for_submit_user(built: Build, name: str) -> None:
    application = built(SUBMIT_USER=name)
    market = Market.open(application)
    users = {each: market.account(each) for each in ("asha", "ravi")}

    application.intake.messaging.submit(new_id(), order_in(market))

    with application.base.engine.connect() as connection:
        owners = connection.exec_driver_sql("SELECT user_id FROM orders").scalars().all()
    assert owners == [users[name]]


@pytest.mark.parametrize("needed", ["true", "false"])
def test_submit_signed_decides_whether_a_message_needs_a_signature(
    built: Build, needed: str
) -> None:
    application = built(SUBMIT_SIGNED=needed)
    market = Market.open(application)
    user = market.account("demo")
    key = application.people.access.issue(user, [Scope.TRADE])
    order = order_in(market)
    signature = sign(order, key, application.base.clock().timestamp())

    with pytest.raises(SignatureRefused) if needed == "true" else nullcontext():
        application.intake.messaging.submit(
            new_id(), {**order, "client_order_id": "unsigned"}, "demo"
        )
    application.intake.messaging.submit(new_id(), order, signature=signature)

    assert len(market.statuses()) == (1 if needed == "true" else 2)


def test_without_submit_user_a_message_without_an_account_is_refused(built: Build) -> None:
    # Production is the environment that names nobody.
    application = built(ENV="production", WARM_CACHE_ON_STARTUP="false", SUBMIT_SIGNED="false")
    market = Market.open(application)
    market.account("demo")

    with pytest.raises(InvalidInput, match="user is required"):
        application.intake.messaging.submit(new_id(), order_in(market))

    assert market.statuses() == {}
