"""Beat after a clock that was ahead, and with entries that are lost or damaged."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from angel_x.adapters.redis.periodic_entries import PeriodicEntries
from beat_schedule import scheduler as scheduling
from beat_schedule.schedule import Gate, celery_schedule, entries
from beat_schedule.scheduler import Scheduler
from beat_schedule.stored_entry import StoredEntry
from config.celery_options import celery_options
from config.loading import load
from config.queues import QueueName
from config.settings import Settings
from tests.builders.environs import environ_of
from tests.plugins.servers import RedisUrls

SCHEDULE = "redbeat::schedule"
PERIODIC = {name for name, entry in entries(load({})).items() if isinstance(entry.when, timedelta)}
DAILY = set(entries(load({}))) - PERIODIC
#: Tasks of the monitor with a period, at any time of day.
MONITOR = [
    "monitor.check_memory",
    "monitor.check_queues",
    "monitor.enforce_retention",
    "monitor.prove_invariants",
    "monitor.reconcile_broker",
]
#: Tasks that are sent while the market is open, which it may be while the tests run.
GATED = {entry.task for entry in entries(load({})).values() if entry.gate is not Gate.ALWAYS}


@pytest.fixture
def _looks_at_every_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "_REPAIR_SECONDS", 0.0)


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
    return StoredEntry.from_key(f"redbeat:{name}", app=scheduler.app)


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


def sent(broker: redis.Redis) -> list[str]:
    """The tasks on the queue of the monitor that are sent at any time of day."""
    tasks = [json.loads(m)["headers"]["task"] for m in broker.lrange(QueueName.MONITOR, 0, -1)]
    return [task for task in tasks if task not in GATED]


def reads(broker: redis.Redis) -> int:
    """Count the reads of entries since the server started."""
    counted: Any = broker.info("commandstats")
    return sum(counted.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("hget", "hmget"))


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


@pytest.mark.usefixtures("_looks_at_every_tick")
def test_a_beat_that_takes_over_or_whose_clock_is_put_right_sends_at_its_next_look(
    start: Callable[[], Scheduler], broker: redis.Redis
) -> None:
    running = start()
    note(running, timedelta(hours=1))

    running.tick()

    assert sorted(sent(broker)) == MONITOR
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


@pytest.mark.usefixtures("_looks_at_every_tick")
@pytest.mark.parametrize("lost", [["redbeat:memory"], [SCHEDULE], [SCHEDULE, "redbeat:memory"]])
def test_a_lost_entry_of_the_release_comes_back_without_a_restart(
    start: Callable[[], Scheduler], broker: redis.Redis, lost: list[str]
) -> None:
    running = start()
    running.tick()
    broker.delete(*lost)

    running.tick()

    assert set(stored(broker)) == {f"redbeat:{name}" for name in PERIODIC | DAILY}
    assert entry(running, "memory").task == "monitor.check_memory"
    assert score_of(broker, "memory") <= running.app.now().timestamp() + 60


DAMAGE: dict[str, Any] = {
    "no JSON": "{",
    "no object": "[]",
    "no text": b"\xff\xfe",
    "no schedule": json.dumps({"name": "memory", "task": "x"}),
    "a schedule that is none": json.dumps({"name": "memory", "task": "x", "schedule": "often"}),
    "the name of another entry": json.dumps({"name": "queues", "task": "x", "schedule": 1}),
    "a zone that does not exist": json.dumps(
        {
            "name": "memory",
            "task": "x",
            "schedule": {"__type__": "datetime", "year": 1, "timezone": "Mars/Olympus"},
        }
    ),
}


@pytest.mark.usefixtures("_looks_at_every_tick")
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_an_entry_that_cannot_be_decoded_is_put_aside_and_made_again(
    start: Callable[[], Scheduler], broker: redis.Redis, damage: Any
) -> None:
    running = start()
    broker.hset("redbeat:memory", "definition", damage)

    running.tick()
    restarted = start()

    assert broker.hget("redbeat::aside:memory", "definition") == (
        damage if isinstance(damage, bytes) else damage.encode()
    )
    entries = PeriodicEntries(broker)
    assert entries.aside() == ["memory"]
    assert entry(restarted, "memory").task == "monitor.check_memory"
    assert entries.forget("memory")
    assert (entries.aside(), entries.forget("memory")) == ([], False)
    assert not broker.exists("redbeat::aside:memory")


def test_a_restart_over_damaged_entries_of_anyone_sends_what_is_due(
    start: Callable[[], Scheduler], broker: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    # RedBeat logs the key, which is no text, and parallel test processes exchange text only.
    caplog.set_level(logging.ERROR, "celery.beat")
    broker.hset("redbeat:of-another", "definition", "{")
    broker.zadd(SCHEDULE, {"redbeat:of-another": 1})
    broker.set("redbeat:memory", "no hash at all")
    broker.zadd(SCHEDULE, {b"redbeat:\xff": 1})

    running = start()
    note(running, timedelta(minutes=-5))
    running.tick()

    assert sorted(sent(broker)) == MONITOR
    assert PeriodicEntries(broker).aside() == ["memory", "of-another"]
    assert set(stored(broker)) == {f"redbeat:{name}" for name in PERIODIC | DAILY}


def test_a_tick_reads_due_entries_only(start: Callable[[], Scheduler], broker: redis.Redis) -> None:
    running = start()
    running.tick()
    before = reads(broker)

    for _ in range(10):
        running.tick()

    # One entry is due in each second.
    assert reads(broker) - before < 10 * len(PERIODIC | DAILY) / 2


def test_a_restart_leaves_the_time_of_an_entry_with_a_time_of_day(
    start: Callable[[], Scheduler], broker: redis.Redis
) -> None:
    note(start(), timedelta(hours=-3))

    restarted = start()

    now = restarted.app.now()
    late = {e.name: e.late_seconds(now) for e in PeriodicEntries(broker).read()}
    for name in DAILY:
        if not entry(restarted, name).is_due().is_due:
            assert score_of(broker, name) > now.timestamp()
    assert max(late.values()) < 10


def test_the_schedule_is_read_as_beat_has_stored_it(
    start: Callable[[], Scheduler], broker: redis.Redis
) -> None:
    assert PeriodicEntries(broker).read() == []
    running = start()
    note(running, timedelta(hours=1))
    now = running.app.now()

    found = {e.name: e for e in PeriodicEntries(broker).read()}

    assert set(found) == PERIODIC | DAILY
    memory = found["memory"]
    assert (memory.task, memory.period_seconds) == ("monitor.check_memory", 60)
    assert memory.last_run_at == entry(running, "memory").last_run_at
    # It would run again in an hour and a minute.
    assert memory.late_seconds(now) == pytest.approx(3600, abs=5)
    assert found["partitions"].period_seconds == 86_400
    broker.delete("redbeat:queues")
    (lost,) = (e for e in PeriodicEntries(broker).read() if e.name == "queues")
    assert lost.late_seconds(now) == math.inf
