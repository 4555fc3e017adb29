from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis
from celery import Celery

from angel_x.adapters.redis.events import EventStream
from angel_x.domain.records.live_event import BEGINNING
from config.addresses import kombu_address
from config.queues import QueueName
from tests.e2e.processes import Processes, eventually
from tests.plugins.servers import RedisUrls

pytestmark = pytest.mark.e2e


@pytest.fixture
def sender(redis_urls: RedisUrls) -> Iterator[Celery]:
    app = Celery(broker=kombu_address(redis_urls.broker_redis_url), set_as_current=False)
    yield app
    app.close()


def reports(cache: redis.Redis) -> dict[str, dict[str, float]]:
    stored: dict[bytes, bytes] = cache.hgetall("ax:memory")  # type: ignore[assignment]
    return {name.decode(): json.loads(report) for name, report in stored.items()}


def test_one_check_reaches_every_process_of_every_worker(
    system: Processes, cache: redis.Redis, sender: Celery
) -> None:
    system.worker("orders", QueueName.NORMAL, processes=2)
    system.worker("monitor", QueueName.MONITOR)
    everybody = {"test/orders", "test/orders-0", "test/orders-1", "test/monitor", "test/monitor-0"}

    sender.send_task("monitor.check_memory", queue=QueueName.MONITOR)
    system.until_logged("monitor", "memory.checked")

    found = reports(cache)
    assert set(found) == everybody
    assert len({report["pid"] for report in found.values()}) == len(everybody)
    assert all(10 < report["current_mb"] < 150 for report in found.values()), found


def test_a_process_over_the_threshold_says_so_and_stays(
    system: Processes, cache: redis.Redis, sender: Celery, environment: dict[str, str]
) -> None:
    environment["ANGEL_X_MEMORY_ALERT_THRESHOLD_MB"] = "10"
    system.worker("monitor", QueueName.MONITOR)

    system.until_logged("monitor", "memory.exceeded")

    (event, *_) = eventually(
        lambda: EventStream(cache).read(BEGINNING, 10).events, "the alert is published"
    )
    assert (event.kind, json.loads(event.body)["alert"]) == ("alert", "memory")
    before = eventually(lambda: reports(cache).get("test/monitor-0"), "the first report")
    sender.send_task("monitor.check_memory", queue=QueueName.MONITOR)
    system.until_logged("monitor", "memory.checked")
    assert reports(cache)["test/monitor-0"]["pid"] == before["pid"]


def test_a_process_over_the_hard_limit_is_replaced_after_its_task(
    system: Processes, cache: redis.Redis, sender: Celery, environment: dict[str, str]
) -> None:
    environment["ANGEL_X_MEMORY_ALERT_THRESHOLD_MB"] = "10"
    environment["ANGEL_X_MEMORY_HARD_LIMIT_MB"] = "20"
    system.worker("monitor", QueueName.MONITOR)
    before = eventually(lambda: reports(cache).get("test/monitor-0"), "the first report")

    sender.send_task("monitor.check_memory", queue=QueueName.MONITOR)
    system.until_logged("monitor", "memory.checked")

    eventually(
        lambda: reports(cache)["test/monitor-0"]["pid"] != before["pid"], "a successor reports"
    )
