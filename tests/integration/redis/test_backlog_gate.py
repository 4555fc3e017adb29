from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog.testing import capture_logs

from beat_schedule.gate import BACKLOG, BacklogGate
from beat_schedule.schedule import entries
from config.loading import load
from config.queues import QueueName

if TYPE_CHECKING:
    from tests.plugins.servers import RedisUrls

ENTRIES = entries(load({}))


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        client.flushall()
        yield client
        client.flushall()


def lay(broker: redis.Redis, queue: QueueName, messages: int) -> None:
    broker.rpush(queue.value, *[b"waiting"] * messages)


@pytest.mark.parametrize(
    ("entry", "queue"),
    [
        ("greeks", QueueName.GREEKS),
        ("portfolios", QueueName.PORTFOLIO),
        ("queues", QueueName.MONITOR),
    ],
)
def test_nothing_more_is_sent_where_nobody_takes_what_lies_there(
    broker: redis.Redis, entry: str, queue: QueueName
) -> None:
    gate = BacklogGate(ENTRIES, broker)

    lay(broker, queue, BACKLOG - 1)
    assert gate.admits(entry)
    lay(broker, queue, 1)
    assert not gate.admits(entry)
    assert all(gate.admits(name) for name in ("orders-match", "orders-expire", "added-later"))
    broker.lpop(queue.value)
    assert gate.admits(entry)


def test_an_entry_that_is_held_back_is_named_once_and_once_when_it_is_let_go(
    broker: redis.Redis,
) -> None:
    gate = BacklogGate(ENTRIES, broker)

    with capture_logs() as logs:
        for _ in range(3):
            lay(broker, QueueName.GREEKS, BACKLOG)
            gate.admits("greeks")
        broker.delete(QueueName.GREEKS.value)
        gate.admits("greeks")
        gate.admits("greeks")

    assert [(entry["event"], entry["entry"], entry["waiting"]) for entry in logs] == [
        ("beat.held_back", "greeks", BACKLOG),
        ("beat.released", "greeks", 0),
    ]


def test_a_deep_lane_of_orders_holds_nothing_back(broker: redis.Redis) -> None:
    gate = BacklogGate(ENTRIES, broker)

    lay(broker, QueueName.HIGH, 2 * BACKLOG)

    assert all(gate.admits(name) for name in ENTRIES)


def test_a_broker_that_is_away_leaves_the_answer_to_whoever_sends() -> None:
    nowhere = redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))

    assert all(BacklogGate(ENTRIES, nowhere).admits(name) for name in ENTRIES)
