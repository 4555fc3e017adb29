from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator

import pytest
import redis
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families

from config.addresses import kombu_address
from config.queues import QueueName
from tests.e2e.processes import Processes, eventually
from tests.plugins.servers import RedisUrls

pytestmark = pytest.mark.e2e

EXPORTER = "from angel_x.entrypoints.metrics import serve; from config.loading import load; import os; serve(load(os.environ))"


@pytest.fixture
def sender(redis_urls: RedisUrls) -> Iterator[Celery]:
    app = Celery(broker=kombu_address(redis_urls.broker_redis_url), set_as_current=False)
    yield app
    app.close()


@pytest.fixture
def page(system: Processes, environment: dict[str, str]) -> str:
    """The address of a running exporter."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
    environment["ANGEL_X_METRICS_PORT"] = port
    system.start("metrics", "-c", EXPORTER)
    url = f"http://127.0.0.1:{port}/metrics"
    eventually(lambda: fetched(url), "the exporter answers")
    return url


def fetched(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return str(answer.read(), "utf-8")
    except OSError:
        return None


def samples(url: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(fetched(url) or "")
        for sample in family.samples
    }


def test_what_a_killed_child_counted_is_still_on_the_page(
    system: Processes, page: str, sender: Celery, cache: redis.Redis
) -> None:
    system.worker("monitor", QueueName.MONITOR)
    dropped = ("angel_x_messages_dropped_total", "arguments")

    def drop(times: int) -> None:
        target = samples(page).get(dropped, 0) + times
        for _ in range(times):
            sender.send_task("monitor.check_queues", args=["x"], queue=QueueName.MONITOR)
        eventually(lambda: samples(page).get(dropped) == target, f"{target} are counted")

    drop(3)
    report = json.loads(str(cache.hget("ax:memory", "test/monitor-0"), "utf-8"))  # type: ignore[arg-type]
    os.kill(report["pid"], signal.SIGKILL)
    drop(2)

    assert samples(page)[dropped] == 5


def test_the_page_shows_every_source_of_a_running_system(
    system: Processes, page: str, sender: Celery
) -> None:
    system.worker("monitor", QueueName.MONITOR)
    sender.send_task("monitor.check_memory", queue=QueueName.MONITOR)
    system.until_logged("monitor", "memory.checked")

    shown = samples(page)

    for queue in set(QueueName) - {QueueName.ALERTS}:
        assert shown["angel_x_queue_depth", queue.value] == 0
    for process in ("test/monitor", "test/monitor-0"):
        assert shown["angel_x_worker_resident_bytes", process] > 10_000_000
    assert shown["angel_x_active_orders", "received"] == 0
    assert shown["angel_x_oldest_due_order_seconds",] == 0
