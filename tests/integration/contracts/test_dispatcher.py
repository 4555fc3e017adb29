"""The message broker and its fake carry the same messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from angel_x.adapters.dispatch import CeleryDispatcher
from angel_x.adapters.redis.lane_queues import LANES
from angel_x.domain.orders.order import Priority
from angel_x.services.ports import Dispatcher
from config.queues import QueueName
from config.task_names import TaskName
from tests.builders.recorders import RecordingMeter
from tests.fakes.dispatcher import MemoryDispatcher, Ring
from tests.plugins.servers import RedisUrls

AS_OF = datetime(2026, 8, 19, 7, tzinfo=UTC)
_PRIORITIES = {queue: priority for priority, queue in LANES.items()}


@dataclass
class World:
    dispatcher: Dispatcher
    #: What was rung for, and workflows that were asked for, in the order of their lanes.
    rings: Callable[[], list[Ring]]
    advanced: Callable[[], list[tuple[int, bool]]]
    chunks: Callable[[], list[tuple[Any, ...]]]
    portfolios: Callable[[], list[tuple[int, ...]]]


def in_memory() -> World:
    made = MemoryDispatcher()
    return World(
        made,
        rings=lambda: sorted(made.rings, key=lambda ring: list(Priority).index(ring.priority)),
        advanced=lambda: sorted(made.advanced, key=lambda each: not each[1]),
        chunks=lambda: list(made.chunks),
        portfolios=lambda: list(made.portfolios),
    )


def on_the_broker(urls: RedisUrls, broker: redis.Redis) -> World:
    made = CeleryDispatcher(urls.broker_redis_url, RecordingMeter(), synchronous=True)

    def sent(task: TaskName) -> list[tuple[QueueName, list[Any]]]:
        return [
            (queue, json.loads(base64.b64decode(message["body"]))[0])
            for queue in QueueName
            for message in map(json.loads, reversed(broker.lrange(queue, 0, -1)))
            if message["headers"]["task"] == task
        ]

    def rings() -> list[Ring]:
        return [
            Ring(_PRIORITIES[queue], tuple(map(int, ids)), *exactly)
            for queue, (ids, *exactly) in sent(TaskName.PROCESS_ORDER_BATCH)
        ]

    return World(
        made,
        rings=rings,
        advanced=lambda: [
            (workflow_id, queue is QueueName.EMERGENCY)
            for queue, (workflow_id,) in sent(TaskName.ADVANCE_WORKFLOW)
        ],
        chunks=lambda: [
            (version, start, stop, datetime.fromisoformat(at))
            for _, (version, start, stop, at) in sent(TaskName.COMPUTE_GREEKS_CHUNK)
        ],
        portfolios=lambda: [tuple(ids) for _, (ids,) in sent(TaskName.UPDATE_PORTFOLIOS)],
    )


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield in_memory()
        return
    urls: RedisUrls = request.getfixturevalue("redis_urls")
    with closing(redis.Redis.from_url(urls.broker_redis_url)) as broker:
        made = on_the_broker(urls, broker)
        yield made
        assert isinstance(made.dispatcher, CeleryDispatcher)
        made.dispatcher.close()


def test_every_ring_reaches_its_own_lane_in_the_order_in_which_it_was_sent(world: World) -> None:
    for priority in Priority:
        assert world.dispatcher.ring(priority, [3, 1, 2])
        assert world.dispatcher.ring(priority, [4])

    assert world.rings() == [
        ring for priority in Priority for ring in (Ring(priority, (3, 1, 2)), Ring(priority, (4,)))
    ]


def test_a_ring_for_exactly_these_says_so(world: World) -> None:
    world.dispatcher.ring(Priority.HIGH, [1], exactly=True)
    world.dispatcher.ring(Priority.HIGH, [2], exactly=False)

    assert world.rings() == [Ring(Priority.HIGH, (1,), exactly=True), Ring(Priority.HIGH, (2,))]


def test_a_workflow_out_of_the_market_goes_to_the_emergency_lane(world: World) -> None:
    assert world.dispatcher.advance(1, emergency=True)
    assert world.dispatcher.advance(2, emergency=False)

    assert world.advanced() == [(1, True), (2, False)]


def test_accounts_are_sent_in_the_order_of_their_ids(world: World) -> None:
    assert world.dispatcher.update_portfolios({30, 1, 200})

    assert world.portfolios() == [(1, 30, 200)]


def test_each_chunk_is_a_message_of_its_own(world: World) -> None:
    assert world.dispatcher.compute_greeks("v", [(0, 5), (5, 9)], AS_OF, 60) == 2

    assert world.chunks() == [("v", 0, 5, AS_OF), ("v", 5, 9, AS_OF)]
