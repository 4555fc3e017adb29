"""The lists of the lanes and their fake take the same doorbells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import pytest
import redis

from angel_x.adapters.celery_message import STANDS_FOR_LANE, Message, encoded
from angel_x.adapters.redis.lane_queues import LANES, LaneQueues
from angel_x.domain.orders.order import Priority
from config.task_names import TaskName
from tests.fakes.lanes import MemoryLanes
from tests.plugins.servers import RedisUrls

BOUND = 3


@dataclass
class World:
    ring: Callable[[Priority, Sequence[int]], bool]
    ring_for_lane: Callable[[Priority, Sequence[int]], bool]
    lanes: LaneQueues | MemoryLanes
    #: Whether each doorbell of a lane stands for it, the oldest first.
    standing: Callable[[Priority], list[bool]]
    #: Takes the oldest.
    take: Callable[[Priority], object]


def in_memory() -> World:
    lanes = MemoryLanes(BOUND)
    return World(
        lanes.ring,
        lambda lane, ids: lanes.ring(lane, ids, stands=True),
        lanes,
        standing=lambda lane: [bell.stands_for_lane for bell in lanes.bells[lane]],
        take=lanes.take,
    )


def doorbell(lane: Priority, ids: Sequence[int], *, stands: bool) -> bytes:
    return encoded(
        Message(
            TaskName.PROCESS_ORDER_BATCH,
            LANES[lane],
            ([str(i) for i in ids],),
            is_bounded=True,
            stands_for_lane=stands,
        )
    )


def on_the_broker(broker: redis.Redis) -> World:
    lanes = LaneQueues(broker, bound=BOUND)

    def push(lane: Priority, ids: Sequence[int], *, stands: bool = False) -> bool:
        return lanes.push(LANES[lane], doorbell(lane, ids, stands=stands))

    def standing(lane: Priority) -> list[bool]:
        items = map(json.loads, reversed(broker.lrange(LANES[lane], 0, -1)))
        return [item["headers"][STANDS_FOR_LANE] for item in items]

    return World(
        push,
        lambda lane, ids: push(lane, ids, stands=True),
        lanes,
        standing,
        take=lambda lane: broker.rpop(LANES[lane]),
    )


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield in_memory()
        return
    urls: RedisUrls = request.getfixturevalue("redis_urls")
    with closing(redis.Redis.from_url(urls.broker_redis_url)) as broker:
        yield on_the_broker(broker)


LANE = Priority.NORMAL


def test_the_doorbell_that_fills_a_lane_stands_for_it_and_no_other_is_added(world: World) -> None:
    assert [world.ring(LANE, [i]) for i in range(5)] == [True, True, True, False, False]

    assert world.standing(LANE) == [False, False, True]


def test_lanes_are_bounded_each_for_itself(world: World) -> None:
    for lane in Priority:
        assert [world.ring(lane, [i]) for i in range(4)] == [True, True, True, False]


def test_a_lane_from_which_one_was_taken_takes_another_which_stands_for_it(world: World) -> None:
    for i in range(4):
        world.ring(LANE, [i])
    world.take(LANE)

    assert world.ring(LANE, [9]) is True
    assert world.ring(LANE, [9]) is False

    assert world.standing(LANE) == [False, True, True]


def test_a_doorbell_for_the_lane_says_so_whatever_waits(world: World) -> None:
    assert world.ring_for_lane(LANE, [1])

    assert world.standing(LANE) == [True]


def test_what_is_discarded_is_gone_and_what_was_taken_is_not_counted(world: World) -> None:
    for i in range(3):
        world.ring(LANE, [i])
    seen = world.lanes.waiting(LANE)
    world.take(LANE)

    assert len(seen) == 3
    assert world.lanes.discard(LANE, seen) == 2
    assert world.lanes.waiting(LANE) == []


def test_what_came_after_the_look_is_not_discarded(world: World) -> None:
    world.ring(LANE, [1])
    seen = world.lanes.waiting(LANE)
    world.ring(LANE, [2])

    assert world.lanes.discard(LANE, seen) == 1

    assert len(world.lanes.waiting(LANE)) == 1
