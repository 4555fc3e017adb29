"""Where each kind of message goes, and which of them a slow fleet may drop."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from angel_x.adapters.dispatch import CeleryDispatcher
from angel_x.domain.orders.order import Priority
from config.queues import QueueName
from config.task_names import TaskName
from tests.builders.recorders import RecordingMeter
from tests.plugins.servers import RedisUrls

AT = datetime(2026, 8, 19, 7, tzinfo=UTC)


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        yield client


@pytest.fixture
def dispatcher(redis_urls: RedisUrls) -> Iterator[CeleryDispatcher]:
    made = CeleryDispatcher(redis_urls.broker_redis_url, RecordingMeter(), synchronous=True)
    yield made
    made.close()


def test_of_several_requests_for_a_match_one_waits(
    dispatcher: CeleryDispatcher, broker: redis.Redis
) -> None:
    for _ in range(3):
        dispatcher.match()

    assert broker.llen("orders.matching") == 1


@pytest.mark.parametrize(
    ("send", "task", "queue", "args", "seconds"),
    [
        (lambda d: d.match(), TaskName.MATCH_ORDERS, "orders.matching", [], 5),
        (lambda d: d.cancel_all(), TaskName.CANCEL_ALL, "orders.emergency", [], 30),
        (
            lambda d: d.canary("greeks", AT, expires_seconds=17),
            TaskName.CANARY,
            "greeks",
            ["greeks", AT.isoformat()],
            17,
        ),
        (
            lambda d: d.update_portfolios([2, 1]),
            TaskName.UPDATE_PORTFOLIOS,
            "portfolio",
            [[1, 2]],
            30,
        ),
        (
            lambda d: d.compute_greeks("v", [(0, 5)], AT, 40),
            TaskName.COMPUTE_GREEKS_CHUNK,
            "greeks",
            ["v", 0, 5, AT.isoformat()],
            40,
        ),
        # What orders hang on stays until it is taken.
        (
            lambda d: d.advance(7, emergency=True),
            TaskName.ADVANCE_WORKFLOW,
            "orders.emergency",
            [7],
            None,
        ),
        (
            lambda d: d.advance(7, emergency=False),
            TaskName.ADVANCE_WORKFLOW,
            "orders.high",
            [7],
            None,
        ),
        (
            lambda d: d.ring(Priority.LOW, [7], exactly=True),
            TaskName.PROCESS_ORDER_BATCH,
            "orders.low",
            [["7"], True],
            None,
        ),
    ],
)
def test_a_message_goes_to_its_queue_and_lives_as_long_as_it_is_of_use(
    dispatcher: CeleryDispatcher,
    broker: redis.Redis,
    send: Callable[[CeleryDispatcher], int],
    task: TaskName,
    queue: str,
    args: list[Any],
    seconds: float | None,
) -> None:
    before = _clock(broker)
    assert send(dispatcher) == 1
    after = _clock(broker)

    (message,) = map(json.loads, broker.lrange(queue, 0, -1))
    assert (message["headers"]["task"], _arguments(message)) == (task, args)
    assert not any(broker.llen(other) for other in QueueName if other != queue)
    expires = message["headers"]["expires"]
    if seconds is None:
        assert expires is None
    else:
        life = timedelta(seconds=seconds)
        assert before + life <= datetime.fromisoformat(expires) <= after + life


def _arguments(message: dict[str, Any]) -> list[Any]:
    args: list[Any] = json.loads(base64.b64decode(message["body"]))[0]
    return args


def _clock(broker: redis.Redis) -> datetime:
    """Return the time of the server, which is on this machine."""
    seconds, microseconds = broker.time()
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)
