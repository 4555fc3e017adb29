"""Messages that come twice, late, in the wrong order, or to somebody who does not know them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest

from config.addresses import kombu_address
from config.queues import QueueName
from tests.e2e.processes import eventually
from tests.faults.world import ORDER_QUEUES, World

pytestmark = pytest.mark.e2e

HOUR = timedelta(hours=1)


def test_ten_copies_at_once_trade_once(world: World) -> None:
    user = world.market.account("copies")
    accepted = world.market.accept(user, *[world.market.request() for _ in range(20)])
    (message,) = taken(world, 1)
    world.application.base.broker.lpush(QueueName.NORMAL, *[copied(message) for _ in range(10)])

    worker = world.system.worker("copies", ORDER_QUEUES, processes=2)

    world.until(user, "filled")
    until_empty(world)
    world.assert_filled_once(user, [order.order_id for order in accepted])
    assert set(world.attempts(user).values()) == {1}
    world.system.kill(worker)


def test_doubled_and_shuffled_messages_are_decided_in_the_order_of_acceptance(
    world: World,
) -> None:
    user = world.market.account("shuffled")
    orders = [world.market.accept(user, world.market.request())[0].order_id for _ in range(20)]
    messages = [copied(message) for message in taken(world, 20) * 2]
    random.Random(17).shuffle(messages)
    assert messages[:20] != sorted(messages[:20])
    world.application.base.broker.lpush(QueueName.NORMAL, *messages)

    worker = world.system.worker("shuffled", ORDER_QUEUES, processes=2)

    world.until(user, "filled")
    until_empty(world)
    world.assert_filled_once(user, orders)
    assert world.decided_in_order(user) == orders
    world.system.kill(worker)


def test_messages_that_come_an_hour_late_do_what_is_left_to_do(world: World) -> None:
    user = world.market.account("late")
    decided, waiting = (
        [o.order_id for o in world.market.accept(user, *[world.market.request()] * 1)]
        for _ in range(2)
    )
    messages = taken(world, 2)
    world.application.trading.execution.run_exactly(decided)
    assert world.statuses(user) == {decided[0]: "filled", waiting[0]: "received"}
    world.execute("UPDATE orders SET accepted_at = accepted_at - %s WHERE user_id = %s", HOUR, user)
    world.application.base.broker.lpush(QueueName.NORMAL, *[aged(world, each) for each in messages])

    worker = world.system.worker("late", ORDER_QUEUES)

    world.until(user, "filled")
    until_empty(world)
    world.assert_filled_once(user, [*decided, *waiting])
    assert world.events(decided[0]) == ["received", "filled"]
    world.system.kill(worker)


def test_a_look_at_the_market_that_comes_an_hour_late_is_not_taken(world: World) -> None:
    user, symbol = world.market.account("late-match"), world.market.symbols[1]
    (order,) = world.market.accept(user, world.market.request(symbol=symbol, limit="100.30"))
    world.application.trading.execution.run([order.order_id])
    taken(world, 1)
    world.market.quote(symbol, "100.00", "100.20")
    world.application.base.dispatcher.match()
    (message,) = taken(world, 1, QueueName.MATCHING)
    world.application.base.broker.lpush(QueueName.MATCHING, aged(world, message))

    worker = world.system.worker("late-match", ORDER_QUEUES)
    world.system.until_logged("late-match", "Discarding revoked task")
    until_empty(world)
    assert world.statuses(user) == {order.order_id: "working"}

    world.application.base.dispatcher.match()
    world.until(user, "filled")
    world.assert_filled_once(user, [order.order_id])
    world.system.kill(worker)


def test_what_a_worker_of_an_older_release_throws_away_is_rung_for_again(world: World) -> None:
    user = world.market.account("older")
    broker = kombu_address(world.environment["ANGEL_X_BROKER_URL"])
    command = f"celery --quiet -A tests.faults.older.release worker -l info -n older@test -c 1 -Q {QueueName.NORMAL}"
    older = world.system.start("older", command, {"OLDER_BROKER": broker})
    world.system.until_logged("older", "ready.")
    orders = [world.market.accept(user, world.market.request())[0].order_id for _ in range(10)]
    swallowed = "Received unregistered task of type 'orders.process_batch'"
    eventually(lambda: world.system.log("older").count(swallowed) == 10, "all are thrown away")
    assert set(world.statuses(user).values()) == {"received"}

    # They share the queue, so the older one goes on throwing away some of what the relay rings.
    worker = world.system.worker("newer", ORDER_QUEUES)
    relay = world.system.relay("relay", {"ANGEL_X_MAX_RINGS": "100"})

    world.until(user, "filled")
    assert older.is_alive()
    world.assert_filled_once(user, orders)
    for process in (older, worker, relay):
        world.system.kill(process)


def taken(world: World, count: int, queue: QueueName = QueueName.NORMAL) -> list[bytes]:
    """Take that many messages off a queue, as they lie there."""
    broker = world.application.base.broker
    eventually(lambda: broker.llen(queue) >= count, f"{count} messages in {queue}")
    messages = cast("list[bytes]", broker.rpop(queue, count))
    assert broker.llen(queue) == 0
    return messages


def copied(message: bytes) -> bytes:
    """Return a message as kombu sends it again: with its id, under another delivery tag."""
    content = json.loads(message)
    content["properties"]["delivery_tag"] = str(uuid4())
    return json.dumps(content).encode()


def aged(world: World, message: bytes) -> bytes:
    """Return a message as it would be if it had been sent an hour ago."""
    content = json.loads(message)
    if content["headers"]["expires"] is not None:
        then = world.application.base.clock() - HOUR
        content["headers"]["expires"] = then.isoformat()
    return json.dumps(content).encode()


def until_empty(world: World) -> None:
    """Wait until every message was taken and acknowledged."""
    broker = world.application.base.broker

    def is_empty() -> bool:
        queues: Sequence[str] = ORDER_QUEUES.split(",")
        return not broker.hlen("unacked") and not any(broker.llen(queue) for queue in queues)

    eventually(is_empty, "no message is left")
