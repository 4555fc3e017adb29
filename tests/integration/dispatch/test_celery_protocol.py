"""Our messages are Celery's, field by field."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis
from celery import Celery

from angel_x.adapters.celery_message import STANDS_FOR_LANE, Message, encoded
from config.celery_options import celery_options
from config.loading import load
from config.queues import QueueName
from config.task_names import TaskName
from tests.plugins.servers import RedisUrls

#: What differs from one message to the next.
_OWN = ("id", "root_id", "origin")
#: Options that Celery hands on to the transport, which no worker reads there.
_UNREAD = ("argsrepr", "kwargsrepr", "expiration")


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        yield client


@pytest.fixture
def celery(redis_urls: RedisUrls) -> Iterator[Celery]:
    with Celery("producer", set_as_current=False) as app:
        app.conf.update(celery_options(load({"ANGEL_X_BROKER_URL": redis_urls.broker_redis_url})))
        yield app


def sent_by_celery(celery: Celery, broker: redis.Redis, message: Message) -> dict[str, Any]:
    celery.send_task(
        message.task.value,
        args=message.args,
        queue=message.queue.value,
        expires=message.expires_seconds,
        ignore_result=True,
        argsrepr=json.loads(encoded(message))["headers"]["argsrepr"],
        kwargsrepr="{}",
    )
    item = broker.rpop(message.queue.value)
    assert isinstance(item, bytes)
    found: dict[str, Any] = json.loads(item)
    return found


@pytest.mark.parametrize(
    "message",
    [
        Message(TaskName.PROCESS_ORDER_BATCH, QueueName.NORMAL, (["1", "2"],)),
        Message(TaskName.PROCESS_ORDER_BATCH, QueueName.EMERGENCY, (["1"], True)),
        Message(TaskName.MATCH_ORDERS, QueueName.HIGH, expires_seconds=5),
        Message(TaskName.COMPUTE_GREEKS_CHUNK, QueueName.GREEKS, ("v", 0, 5, "2026-08-19"), 30.5),
    ],
)
def test_a_message_is_what_celery_itself_would_send(
    celery: Celery, broker: redis.Redis, message: Message
) -> None:
    ours, theirs = json.loads(encoded(message)), sent_by_celery(celery, broker, message)

    assert ours.keys() == theirs.keys()
    assert ours["headers"].keys() == theirs["headers"].keys()
    for name in _UNREAD:
        theirs["properties"].pop(name, None)
    assert ours["properties"].keys() == theirs["properties"].keys()
    for name, value in theirs["headers"].items():
        if name == "expires" and value is not None:
            assert ours["headers"][name] is not None
        elif name not in _OWN:
            assert ours["headers"][name] == value, name
    for found in (ours, theirs):
        assert found["properties"].pop("delivery_tag")
        assert found["properties"].pop("correlation_id") == found["headers"]["id"]
        # Of the thread that sends; nothing replies.
        found["properties"].pop("reply_to")
    assert ours["properties"] == theirs["properties"]
    assert json.loads(base64.b64decode(ours["body"])) == json.loads(
        base64.b64decode(theirs["body"])
    )
    assert (ours["content-type"], ours["content-encoding"]) == (
        theirs["content-type"],
        theirs["content-encoding"],
    )


def test_no_two_messages_are_the_same() -> None:
    message = Message(TaskName.MATCH_ORDERS, QueueName.HIGH)

    first, second = json.loads(encoded(message)), json.loads(encoded(message))

    assert first["headers"]["id"] != second["headers"]["id"]
    assert first["properties"]["delivery_tag"] != second["properties"]["delivery_tag"]


@pytest.mark.parametrize("stands_for_lane", [False, True])
def test_only_a_bounded_doorbell_says_whether_it_stands_for_its_lane(
    *, stands_for_lane: bool
) -> None:
    message = Message(
        TaskName.PROCESS_ORDER_BATCH,
        QueueName.LOW,
        (["1"],),
        is_bounded=True,
        stands_for_lane=stands_for_lane,
    )
    exactly = Message(TaskName.PROCESS_ORDER_BATCH, QueueName.LOW, (["1"], True))

    assert json.loads(encoded(message))["headers"][STANDS_FOR_LANE] is stands_for_lane
    assert STANDS_FOR_LANE not in json.loads(encoded(exactly))["headers"]
