from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from angel_x.adapters.dispatch import CeleryDispatcher
from angel_x.adapters.redis.lane_queues import LANES
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Priority
from config.queues import QueueName
from tests.builders.recorders import RecordingMeter
from tests.builders.spans import SpanMemory, span_id, trace_id
from tests.e2e.processes import eventually
from tests.plugins.servers import RedisUrls


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        yield client


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
def dispatcher(redis_urls: RedisUrls, meter: RecordingMeter) -> Iterator[CeleryDispatcher]:
    made = CeleryDispatcher(redis_urls.broker_redis_url, meter)
    yield made
    made.close()


def messages(broker: redis.Redis, queue: str) -> list[dict[str, Any]]:
    return [json.loads(item) for item in broker.lrange(queue, 0, -1)]


def arguments(message: dict[str, Any]) -> list[Any]:
    args: list[Any] = json.loads(base64.b64decode(message["body"]))[0]
    return args


@pytest.mark.parametrize("priority", Priority)
def test_each_priority_has_a_queue_of_its_own(
    dispatcher: CeleryDispatcher, broker: redis.Redis, priority: Priority
) -> None:
    assert dispatcher.ring(priority, [7, 8])
    dispatcher.close()

    (message,) = messages(broker, LANES[priority])
    assert message["headers"]["task"] == "orders.process_batch"
    assert arguments(message) == [["7", "8"]]
    assert message["properties"]["priority"] == 0
    others = [queue for queue in QueueName if queue != LANES[priority]]
    assert not any(broker.llen(queue) for queue in others)


def test_a_message_carries_the_trace_that_sends_it(
    redis_urls: RedisUrls, meter: RecordingMeter, broker: redis.Redis
) -> None:
    memory = SpanMemory()
    dispatcher = CeleryDispatcher(redis_urls.broker_redis_url, meter, tracer=memory.tracer)
    with memory.tracer.span("request"):
        assert dispatcher.ring(Priority.NORMAL, [7])
    assert dispatcher.ring(Priority.HIGH, [8])
    dispatcher.close()

    (traced,), (alone,) = messages(broker, QueueName.NORMAL), messages(broker, QueueName.HIGH)
    sent = memory.named("send orders.process_batch")
    assert memory.tree == [("send orders.process_batch", "request"), ("request", None)]
    context = f"00-{trace_id(sent):032x}-{span_id(sent):016x}-"
    assert traced["headers"]["traceparent"].startswith(context)
    assert "traceparent" not in alone["headers"]
    assert sent.attributes == {
        "messaging.system": "redis",
        "messaging.destination.name": "orders.normal",
    }


def test_orders_of_a_lower_lane_find_a_place_in_a_full_lane(
    redis_urls: RedisUrls, meter: RecordingMeter, broker: redis.Redis
) -> None:
    dispatcher = CeleryDispatcher(
        redis_urls.broker_redis_url, meter, lane_messages=1, synchronous=True
    )
    for _ in range(3):
        assert dispatcher.ring_on(Priority.HIGH, [[7]])

    assert dispatcher.ring_above([8, 9])
    dispatcher.close()

    newest, oldest = messages(broker, LANES[Priority.HIGH])
    assert (arguments(oldest), arguments(newest)) == ([["7"]], [["8", "9"]])


def test_a_message_says_nothing_but_ids(dispatcher: CeleryDispatcher, broker: redis.Redis) -> None:
    dispatcher.ring(Priority.NORMAL, list(range(50)))
    dispatcher.close()

    (message,) = messages(broker, QueueName.NORMAL)
    assert message["headers"]["argsrepr"] == "50 ids"
    assert message["headers"]["ignore_result"] is True
    assert message["properties"]["delivery_info"] == {
        "exchange": "",
        "routing_key": "orders.normal",
    }


def test_a_message_arrives_where_every_binding_was_lost(
    dispatcher: CeleryDispatcher, broker: redis.Redis
) -> None:
    dispatcher.ring(Priority.LOW, [1])
    dispatcher.close()
    broker.flushdb()

    dispatcher.ring(Priority.LOW, [2])
    dispatcher.close()

    assert [arguments(m) for m in messages(broker, QueueName.LOW)] == [[["2"]]]


def test_chunks_expire_and_order_batches_do_not(
    dispatcher: CeleryDispatcher, broker: redis.Redis
) -> None:
    as_of = datetime(2026, 8, 19, 9, 30, tzinfo=UTC)

    taken = dispatcher.compute_greeks("v1", [(0, 512), (512, 600)], as_of, 15)
    dispatcher.ring(Priority.NORMAL, [1])
    dispatcher.close()

    assert taken == 2
    chunks = messages(broker, QueueName.GREEKS)
    assert sorted(arguments(m) for m in chunks) == [
        ["v1", 0, 512, "2026-08-19T09:30:00+00:00"],
        ["v1", 512, 600, "2026-08-19T09:30:00+00:00"],
    ]
    assert all(m["headers"]["expires"] for m in chunks)
    assert messages(broker, QueueName.NORMAL)[0]["headers"]["expires"] is None


def test_accounts_are_valued_on_their_own_queue(
    dispatcher: CeleryDispatcher, broker: redis.Redis
) -> None:
    assert dispatcher.update_portfolios({3, 1, 2})
    dispatcher.close()

    assert arguments(messages(broker, QueueName.PORTFOLIO)[0]) == [[1, 2, 3]]


def test_accounts_that_trade_within_a_moment_are_valued_by_one_message(
    redis_urls: RedisUrls, broker: redis.Redis, meter: RecordingMeter
) -> None:
    dispatcher = CeleryDispatcher(redis_urls.broker_redis_url, meter, gather_seconds=3600)

    for user_ids in ([3], [1, 2], [3]):
        assert dispatcher.value_soon(user_ids)
    # The end of the process is the end of the moment.
    dispatcher.close()

    assert [arguments(m) for m in messages(broker, QueueName.PORTFOLIO)] == [[[1, 2, 3]]]


def test_gathered_accounts_are_asked_for_while_nothing_else_is_sent(
    dispatcher: CeleryDispatcher, broker: redis.Redis
) -> None:
    for count in (1, 2):
        assert dispatcher.value_soon([count])
        eventually(lambda: broker.llen(QueueName.PORTFOLIO) == count, "they are asked for")  # noqa: B023

    found = [arguments(m) for m in reversed(messages(broker, QueueName.PORTFOLIO))]
    assert found == [[[1]], [[2]]]


def test_accounts_do_not_wait_for_a_pause_between_other_messages(
    dispatcher: CeleryDispatcher, broker: redis.Redis
) -> None:
    dispatcher.value_soon([1])

    def asked() -> bool:
        dispatcher.advance(7, emergency=False)
        return bool(broker.llen(QueueName.PORTFOLIO))

    eventually(asked, "it is asked for while messages come")


def test_a_dispatcher_that_closes_asks_at_once_for_what_it_has_gathered(
    dispatcher: CeleryDispatcher, broker: redis.Redis
) -> None:
    dispatcher.value_soon(range(1, 1_201))

    dispatcher.close()

    sent = [len(arguments(m)[0]) for m in reversed(messages(broker, QueueName.PORTFOLIO))]
    assert sent == [500, 500, 200]


def test_a_synchronous_sender_gathers_accounts_all_the_same(
    redis_urls: RedisUrls, broker: redis.Redis, meter: RecordingMeter
) -> None:
    with closing(
        CeleryDispatcher(redis_urls.broker_redis_url, meter, synchronous=True)
    ) as dispatcher:
        assert dispatcher.value_soon([2, 1])

    # Closing sends them.
    assert arguments(messages(broker, QueueName.PORTFOLIO)[0]) == [[1, 2]]


@pytest.fixture
def silence() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def test_the_caller_is_not_held_up_by_a_broker_that_never_answers(
    silence: str, meter: RecordingMeter
) -> None:
    dispatcher = CeleryDispatcher(silence, meter, capacity=10)

    started = time.monotonic()
    answers = [dispatcher.ring(Priority.NORMAL, [n]) for n in range(50)]

    # Each of them would have been held up for seconds.
    assert time.monotonic() - started < 10
    # The buffer, and one that the thread may have taken out of it meanwhile.
    assert answers.count(True) in (10, 11)
    assert all(added == (Metric.DOORBELLS_LOST, 1, {}) for added in meter.added)
    assert answers.count(False) == len(meter.added)
    dispatcher.close(timeout_seconds=0.1)


def test_a_synchronous_sender_learns_that_nobody_listens(meter: RecordingMeter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    dispatcher = CeleryDispatcher(f"redis://127.0.0.1:{port}/0", meter, synchronous=True)

    started = time.monotonic()
    assert dispatcher.ring(Priority.EMERGENCY, [1]) is False

    assert time.monotonic() - started < 5
    assert meter.added == [(Metric.DOORBELLS_LOST, 1, {})]
    dispatcher.close()


def test_a_full_broker_loses_the_doorbell_and_nothing_else(
    redis_urls: RedisUrls, broker: redis.Redis, meter: RecordingMeter
) -> None:
    dispatcher = CeleryDispatcher(redis_urls.broker_redis_url, meter, synchronous=True)
    limit = str(broker.config_get("maxmemory")["maxmemory"])
    broker.config_set("maxmemory", "1mb")
    try:
        assert dispatcher.ring(Priority.NORMAL, [1]) is False
    finally:
        broker.config_set("maxmemory", limit)

    assert dispatcher.ring(Priority.NORMAL, [2]) is True
    dispatcher.close()
    assert [arguments(m) for m in messages(broker, QueueName.NORMAL)] == [[["2"]]]


def test_closing_hangs_up(
    redis_urls: RedisUrls, broker: redis.Redis, meter: RecordingMeter
) -> None:
    number = broker.connection_pool.connection_kwargs["db"]

    def connected() -> int:
        clients = broker.client_list()
        return sum(int(client["db"]) == number for client in clients)

    own = connected()
    dispatcher = CeleryDispatcher(redis_urls.broker_redis_url, meter, synchronous=True)
    assert dispatcher.ring(Priority.NORMAL, [1])
    assert connected() > own

    dispatcher.close()

    eventually(lambda: connected() == own, "no connection of the dispatcher is left")
