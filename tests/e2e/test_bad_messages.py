from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from celery import Celery
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from config.addresses import kombu_address
from config.queues import QueueName
from tests.e2e.processes import Processes, eventually
from tests.plugins.servers import RedisUrls

pytestmark = pytest.mark.e2e

EVERY_QUEUE = ",".join(queue.value for queue in QueueName)


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        yield client


@pytest.fixture
def stranger(redis_urls: RedisUrls) -> Iterator[Celery]:
    """A client that knows the address and nothing else."""
    app = Celery(broker=kombu_address(redis_urls.broker_redis_url), set_as_current=False)
    yield app
    app.close()


def envelope(**changes: object) -> dict[str, object]:
    body = base64.b64encode(b"[[], {}, {}]").decode()
    return {
        "body": body,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": "monitor.check_queues", "id": "1", "lang": "py"},
        "properties": {
            "delivery_tag": "tag-1",
            "delivery_info": {"exchange": "", "routing_key": "monitor"},
            "body_encoding": "base64",
            "priority": 0,
        },
        **changes,
    }


GARBAGE = {
    "bytes": b"\xff\xfe\x00garbage",
    "no json": b"{",
    "a number": b"17",
    "a list": b"[1, 2]",
    "an empty object": b"{}",
    "no properties": json.dumps(envelope(properties=None)).encode(),
    "no headers": json.dumps(envelope(headers=None)).encode(),
    "no id": json.dumps(envelope(headers={"task": "monitor.check_queues"})).encode(),
    "unknown task without id": json.dumps(envelope(headers={"task": "orders.place"})).encode(),
    "a task that is a list": json.dumps(envelope(headers={"task": [], "id": "1"})).encode(),
    "empty headers": json.dumps(envelope(headers={})).encode(),
    "a body that is no base64": json.dumps(envelope(body="%%%")).encode(),
    "a body that is no json": json.dumps(
        envelope(body=base64.b64encode(b"not json").decode())
    ).encode(),
    "a pickle": json.dumps(envelope(**{"content-type": "application/x-python-serialize"})).encode(),
    "a wrong expiry": json.dumps(
        envelope(headers={"task": "monitor.check_queues", "id": "1", "expires": "never"})
    ).encode(),
}


def dropped(home: Path) -> dict[str, float]:
    registry, folder = CollectorRegistry(), home / "metrics"
    if not folder.is_dir():
        return {}
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    samples = [s for family in registry.collect() for s in family.samples]
    return {
        s.labels["reason"]: s.value for s in samples if s.name == "angel_x_messages_dropped_total"
    }


def test_no_message_ends_a_worker(
    system: Processes, broker: redis.Redis, stranger: Celery, environment: dict[str, str]
) -> None:
    worker = system.worker("all", EVERY_QUEUE)

    for queue in QueueName:
        broker.lpush(queue.value, *GARBAGE.values())
    for queue in QueueName:
        stranger.send_task("orders.place", args=[1], queue=queue.value)
    stranger.send_task("monitor.check_queues", args=["too", "many"])
    stranger.send_task("greeks.compute_chunk", args=["v", "zero", 1, "2026-01-01T00:00:00Z"])
    stranger.send_task("orders.process_batch", args=[[2**70]])
    stranger.send_task("orders.process_batch", args=[[*range(1, 1002)]])
    # The queue is read in order, so what ran last says that everything before it was read.
    stranger.send_task("monitor.check_memory")
    system.until_logged("all", "memory.checked")

    expected = len(QueueName) * (len(GARBAGE) + 1) + 4
    home = Path(environment["ANGEL_X_HOME"])
    eventually(lambda: sum(dropped(home).values()) >= expected, "all are counted")
    counts = dropped(home)
    assert sum(counts.values()) == expected
    assert counts["arguments"] >= 4
    assert counts["unknown_task"] >= len(QueueName)
    assert system.log("all").count("message.dropped") == expected
    assert worker.poll() is None
    assert "Traceback" not in system.log("all")


def test_nothing_that_was_dropped_is_delivered_again(
    system: Processes, broker: redis.Redis, stranger: Celery
) -> None:
    system.worker("monitor", QueueName.MONITOR)

    broker.lpush(QueueName.MONITOR, *GARBAGE.values())
    stranger.send_task("orders.place", queue=QueueName.MONITOR)
    stranger.send_task("monitor.check_memory", queue=QueueName.MONITOR)
    system.until_logged("monitor", "memory.checked")

    eventually(lambda: broker.hlen("unacked") == 0, "nothing is kept for redelivery")
    assert broker.llen(QueueName.MONITOR) == 0
