from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from angel_x.adapters.heartbeat import tick_file
from config.celery_options import BEAT_LOCK_SECONDS
from config.queues import QueueName
from tests.e2e.processes import Processes, eventually
from tests.plugins.servers import RedisUrls

pytestmark = pytest.mark.e2e

BEAT = ("-m", "celery", "-A", "beat_schedule.app", "beat")
LEADING = "Acquired lock"
LOCK = "redbeat::lock"


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        yield client


@pytest.fixture
def _live_feed(cache: redis.Redis) -> None:
    cache.set("ax:feed:live", 1, ex=3600)


def sent(broker: redis.Redis) -> int:
    """The safety net for resting orders: once a second while a feed lives; nobody consumes it."""
    return int(str(broker.llen(QueueName.MATCHING)))


def until_sent(broker: redis.Redis, more: int, seconds: float = 240) -> float:
    """Wait for so many more messages and return the seconds that it took."""
    target, started = sent(broker) + more, time.monotonic()
    eventually(lambda: sent(broker) >= target, f"{more} more messages", seconds)
    return time.monotonic() - started


def ran(cache: redis.Redis) -> int:
    """When the worker's process last ran a task, in whole seconds."""
    report = cache.hget("ax:memory", "test/all-0")
    return int(json.loads(report)["seen_at"]) if report else 0


@pytest.mark.usefixtures("_live_feed")
def test_of_two_beats_one_leads_and_the_other_takes_over(
    system: Processes, broker: redis.Redis, environment: dict[str, str]
) -> None:
    first = system.start("first", *BEAT)
    system.until_logged("first", LEADING)
    system.start("second", *BEAT)
    until_sent(broker, 1)

    seconds = until_sent(broker, 5)

    # Two that led would need half the time.  orders.expire adds one now and then.
    assert seconds > 3
    assert LEADING not in system.log("second")
    # It sends several messages a second, and does not write a line for each.
    assert "Sending due task" not in system.log("first")
    heartbeat = tick_file(environment["ANGEL_X_HOME"])
    assert heartbeat.exists()

    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    time_of_death = heartbeat.stat().st_mtime
    # The lock runs out by itself; the rest of its life is not waited for.
    assert 0 < broker.pttl(LOCK) <= BEAT_LOCK_SECONDS * 1000
    assert LEADING not in system.log("second")
    broker.pexpire(LOCK, 100)
    system.until_logged("second", LEADING)
    until_sent(broker, 2)
    assert heartbeat.stat().st_mtime > time_of_death


@pytest.mark.usefixtures("_live_feed")
def test_a_beat_that_ends_hands_over_at_once(system: Processes, broker: redis.Redis) -> None:
    first = system.start("first", *BEAT)
    system.until_logged("first", LEADING)
    system.start("second", *BEAT)
    until_sent(broker, 1)

    held = broker.get(LOCK)
    assert held

    first.send_signal(signal.SIGTERM)

    assert first.wait(timeout=240) == 0
    assert broker.get(LOCK) != held
    system.until_logged("second", LEADING)


@pytest.mark.usefixtures("_live_feed")
def test_beat_and_its_schedule_reach_a_worker(
    system: Processes, broker: redis.Redis, cache: redis.Redis
) -> None:
    system.worker(
        "all",
        ",".join(["orders.high", "orders.matching", "greeks", "margin", "portfolio", "monitor"]),
    )
    system.start("beat", *BEAT)

    eventually(lambda: cache.hexists("ax:memory", "test/beat"), "the report of Beat itself")
    eventually(lambda: ran(cache), "the worker reports")
    until_ran = ran(cache) + 3
    eventually(lambda: ran(cache) >= until_ran, "the worker runs what Beat sends")
    # What is due once a second and what is due now and then may lie there together.
    eventually(lambda: sent(broker) <= 1, "the worker keeps up")
    assert "message.dropped" not in system.log("all")
    assert "task.failed" not in system.log("all")
