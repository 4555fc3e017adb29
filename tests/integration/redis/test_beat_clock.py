"""Beat after a clock that was ahead: what it noted as last runs holds nothing up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from redbeat.schedulers import RedBeatSchedulerEntry

from beat_schedule.schedule import celery_schedule, entries
from beat_schedule.scheduler import Scheduler
from config.celery_options import celery_options
from config.queues import QueueName
from config.settings import Settings, load
from tests.builders.environs import environ_of
from tests.plugins.servers import RedisUrls

SCHEDULE = "redbeat::schedule"
PERIODIC = {name for name, entry in entries(load({})).items() if isinstance(entry.when, timedelta)}
DAILY = set(entries(load({}))) - PERIODIC


@pytest.fixture
def settings(redis_urls: RedisUrls, tmp_path: Path) -> Settings:
    urls = redis_urls.broker_redis_url, redis_urls.cache_url
    return load(environ_of("postgresql:///nowhere", *urls, home=str(tmp_path)))


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        yield client


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[[], Scheduler]]:
    """Start a scheduler of an application of its own, as a restarted Beat has."""
    apps: list[Celery] = []

    def started() -> Scheduler:
        app = Celery(set_as_current=False)
        apps.append(app)
        app.conf.update(
            celery_options(settings),
            beat_schedule=celery_schedule(settings),
            angel_x_settings=settings,
        )
        scheduler = Scheduler(app=app)
        # The lock is taken by a signal of Beat's process.
        scheduler.lock_key = None
        return scheduler

    yield started
    for app in apps:
        app.close()


def entry(scheduler: Scheduler, name: str) -> Any:
    return RedBeatSchedulerEntry.from_key(f"redbeat:{name}", app=scheduler.app)


def note(scheduler: Scheduler, ahead: timedelta) -> None:
    """Note last runs as a Beat does whose clock is ahead."""
    for name in PERIODIC | DAILY:
        entry(scheduler, name).reschedule(scheduler.app.now() + ahead)


def stored(broker: redis.Redis) -> dict[str, Any]:
    scores: Any = broker.zrange(SCHEDULE, 0, -1, withscores=True)
    return {key.decode(): (score, broker.hget(key, "meta")) for key, score in scores}


def score_of(broker: redis.Redis, name: str) -> float:
    score = broker.zscore(SCHEDULE, f"redbeat:{name}")
    assert isinstance(score, float)
    return score


@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(hours=1), timedelta(days=400)])
def test_after_a_restart_every_period_is_due_at_once(
    start: Callable[[], Scheduler], broker: redis.Redis, ahead: timedelta
) -> None:
    first = start()
    note(first, ahead)
    assert min(score for score, _ in stored(broker).values()) > first.app.now().timestamp()

    restarted = start()

    assert set(restarted.schedule) >= PERIODIC
    now = restarted.app.now()
    for name in PERIODIC:
        assert entry(restarted, name).is_due().is_due, name
        assert score_of(broker, name) <= now.timestamp()
    for name in DAILY:
        assert not entry(restarted, name).is_due().is_due, name
        assert entry(restarted, name).last_run_at <= now
        score = score_of(broker, name)
        assert now.timestamp() < score < (now + timedelta(days=1, hours=1)).timestamp()
    assert broker.smembers("redbeat::statics") == {n.encode() for n in PERIODIC | DAILY}


def test_a_beat_that_takes_over_or_whose_clock_is_put_right_sends_at_its_next_tick(
    start: Callable[[], Scheduler], broker: redis.Redis
) -> None:
    running = start()
    note(running, timedelta(hours=1))
    broker.delete(QueueName.MONITOR)

    running.tick()

    sent = [json.loads(m)["headers"]["task"] for m in broker.lrange(QueueName.MONITOR, 0, -1)]
    assert sorted(sent) == ["monitor.check_memory", "monitor.check_queues"]
    now = running.app.now()
    assert all(entry(running, name).last_run_at <= now for name in PERIODIC | DAILY)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=-90), timedelta(seconds=4)])
def test_a_last_run_by_a_right_clock_is_left_alone(
    start: Callable[[], Scheduler], broker: redis.Redis, ahead: timedelta
) -> None:
    note(start(), ahead)
    before = {key: meta for key, (_, meta) in stored(broker).items()}

    start()

    assert {key: meta for key, (_, meta) in stored(broker).items()} == before


def test_an_entry_that_is_gone_stops_nothing(
    start: Callable[[], Scheduler], broker: redis.Redis
) -> None:
    running = start()
    note(running, timedelta(hours=1))
    broker.delete("redbeat:memory")

    running.tick()

    assert entry(running, "queues").last_run_at <= running.app.now()
