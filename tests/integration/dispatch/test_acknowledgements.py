"""A task that began before the connection to the message broker broke, and ends after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import kombu.transport
import pytest
import redis
import structlog
from kombu.connection import Connection

from config.addresses import kombu_address
from config.queues import QueueName
from tasks import runtime, transport
from tests.plugins.servers import RedisUrls

log = structlog.get_logger()

SETTLE: dict[str, Callable[[Any, tuple[type[Exception], ...]], object]] = {
    "acknowledged": lambda message, errors: message.ack_log_error(log, errors),
    "rejected": lambda message, errors: message.reject_log_error(log, errors),
    "given back": lambda message, errors: message.reject_log_error(log, errors, requeue=True),
}


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        yield client


@pytest.fixture
def connection(redis_urls: RedisUrls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(runtime, "at", lambda: lambda _step: None)
    address = kombu_address(redis_urls.broker_redis_url)
    monkeypatch.setattr(kombu.transport, "_transport_cache", {})
    monkeypatch.setitem(kombu.transport.TRANSPORT_ALIASES, "redis", "tasks.transport:Transport")
    with Connection(address) as made:  # type: ignore[no-untyped-call]
        assert isinstance(made.transport, transport.Transport)
        yield made


def delivered(connection: Connection) -> Any:
    queue = connection.SimpleQueue(QueueName.NORMAL.value)  # type: ignore[no-untyped-call]
    queue.put({"task": "orders.process_batch"})
    return queue.get(timeout=60)


@pytest.mark.parametrize("how", SETTLE)
def test_a_message_is_settled_over_the_connection_that_brought_it(
    connection: Connection, broker: redis.Redis, how: str
) -> None:
    message = delivered(connection)
    assert broker.hlen("unacked") == 1

    SETTLE[how](message, connection.connection_errors)

    assert broker.hlen("unacked") == 0
    assert broker.llen(QueueName.NORMAL.value) == (how == "given back")


@pytest.mark.parametrize("how", SETTLE)
def test_a_message_of_a_closed_connection_ends_no_worker(connection: Connection, how: str) -> None:
    message = delivered(connection)
    qos, errors = message.channel.qos, connection.connection_errors
    connection.close()  # type: ignore[no-untyped-call]
    # As where the broker was away when its messages were to be restored.
    message.channel._disconnect_pools()

    SETTLE[how](message, errors)

    assert qos.can_consume()
    assert message.channel.connection is None
