"""Doorbells among whatever else lies on the list of a lane."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from celery import Celery

from angel_x.adapters.celery_message import STANDS_FOR_LANE, Message, encoded
from angel_x.adapters.redis.lane_queues import LANES, LaneQueues, lane_of
from angel_x.domain.orders.order import Priority
from config.queues import QueueName
from config.task_names import TaskName
from tests.plugins.servers import RedisUrls

QUEUE = QueueName.HIGH
LANE = Priority.HIGH
BOUND = 3


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        yield client


@pytest.fixture
def lanes(broker: redis.Redis) -> LaneQueues:
    return LaneQueues(broker, bound=BOUND)


@pytest.fixture
def stranger(redis_urls: RedisUrls) -> Iterator[Celery]:
    """A Celery client that knows nothing but names."""
    with Celery(broker=redis_urls.broker_url) as app:
        app.conf.task_create_missing_queues = True
        yield app


def doorbell(*ids: int, stands: bool = False) -> bytes:
    args = ([str(i) for i in ids],)
    return encoded(
        Message(TaskName.PROCESS_ORDER_BATCH, QUEUE, args, is_bounded=True, stands_for_lane=stands)
    )


def match() -> bytes:
    return encoded(Message(TaskName.MATCH_ORDERS, QUEUE, expires_seconds=5))


def test_a_single_message_is_not_added_to_another_one(
    lanes: LaneQueues, broker: redis.Redis
) -> None:
    assert [lanes.push_single(QUEUE, match()) for _ in range(3)] == [True, False, False]
    assert broker.llen(QUEUE) == 1

    broker.rpop(QUEUE)
    assert lanes.push_single(QUEUE, match()) is True


def test_a_doorbell_is_added_where_no_doorbell_stands_for_the_lane(
    lanes: LaneQueues, broker: redis.Redis
) -> None:
    broker.lpush(QUEUE, *(match() for _ in range(BOUND + 1)))

    assert lanes.push(QUEUE, doorbell(1)) is True
    assert lanes.push(QUEUE, doorbell(2)) is False

    newest = json.loads(broker.lrange(QUEUE, 0, 0)[0])
    assert newest["headers"][STANDS_FOR_LANE] is True


def test_a_doorbell_that_came_back_still_stands_for_the_lane(
    lanes: LaneQueues, broker: redis.Redis
) -> None:
    for i in range(BOUND - 1):
        lanes.push(QUEUE, doorbell(i))
    # kombu writes a message anew when it puts it back.
    broker.lpush(QUEUE, json.dumps(json.loads(doorbell(9, stands=True))))

    assert lanes.push(QUEUE, doorbell(10)) is False


def test_doorbells_of_any_sender_are_found_and_nothing_else(
    lanes: LaneQueues, broker: redis.Redis, stranger: Celery
) -> None:
    name = TaskName.PROCESS_ORDER_BATCH.value
    ours = doorbell(1)
    exactly = encoded(Message(TaskName.PROCESS_ORDER_BATCH, QUEUE, (["1"], True)))
    broker.lpush(QUEUE, b"no message", b"{}", match(), exactly, ours)
    stranger.send_task(name, args=[["2"]], queue=QUEUE.value)
    stranger.send_task(name, args=[["3"], False], queue=QUEUE.value)
    stranger.send_task(name, args=[["4"], True], queue=QUEUE.value)
    stranger.send_task(name, args=[["5"]], kwargs={"exactly": True}, queue=QUEUE.value)

    found = lanes.waiting(LANE)

    everything = broker.lrange(QUEUE, 0, -1)
    assert found == [ours, everything[3], everything[2]]
    assert lanes.discard(LANE, found) == 3
    assert broker.llen(QUEUE) == 6


def test_a_thousand_doorbells_are_found_at_a_time_the_oldest_of_them(
    lanes: LaneQueues, broker: redis.Redis
) -> None:
    items = [doorbell(i) for i in range(1001)]
    broker.lpush(QUEUE, *items)

    assert lanes.waiting(LANE) == items[:1000]


@pytest.mark.parametrize("lane", Priority)
def test_the_lane_of_a_queue_is_its_own(lane: Priority) -> None:
    assert lane_of(LANES[lane].value) is lane


@pytest.mark.parametrize("queue", ["celery", "", "orders.urgent"])
def test_a_queue_that_is_no_lane_counts_as_normal(queue: str) -> None:
    assert lane_of(queue) is Priority.NORMAL
