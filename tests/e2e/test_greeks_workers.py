"""Greeks through real workers and servers: a universe that changes, a cache that dies, a fleet that stands still."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError

from angel_x.adapters.postgres import schema
from angel_x.adapters.servers import RunningServers, start_servers
from angel_x.bootstrap import Application
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.operations.metric import Metric
from config.addresses import kombu_address
from config.queues import QueueName
from config.task_names import TaskName
from tests.builders.environs import application_on, environ_on
from tests.builders.orders import Market, contracts
from tests.e2e.processes import Processes, eventually, processes
from tests.plugins.servers import temporary_home

pytestmark = pytest.mark.e2e

#: Seconds that a chunk is worth running.
REFRESH_SECONDS = 1


@dataclass
class World:
    """Servers and a quoted market that nobody else uses, and a client of the message broker."""

    servers: RunningServers
    system: Processes
    market: Market
    stranger: Celery

    @property
    def application(self) -> Application:
        return self.market.application

    def send(self, task: TaskName, *args: object, **options: object) -> None:
        self.stranger.send_task(
            task.value, args=args, queue=QueueName.GREEKS.value, ignore_result=True, **options
        )

    def ask(self, version: str, start: int, stop: int, **options: object) -> None:
        """Ask for one chunk, as of now."""
        as_of = self.application.base.clock().isoformat()
        self.send(TaskName.COMPUTE_GREEKS_CHUNK, version, start, stop, as_of, **options)

    def waiting(self) -> int:
        return int(str(self.application.base.broker.llen(QueueName.GREEKS.value)))

    def age(self) -> float:
        """Return the age of the Greeks, infinite where there are none or no cache."""
        try:
            age = self.application.analytics.greeks.oldest_age_seconds()
        except RedisError:
            return float("inf")
        assert age is not None, "the market trades"
        return age

    def refreshed(self) -> bool:
        """Ask for a refresh and say whether everything is published."""
        self.send(TaskName.REFRESH_GREEKS)
        return self.age() < float("inf")

    def counts(self) -> Counter[str]:
        """Return every counter of the workers, by its name and its labels."""
        registry = CollectorRegistry()
        folder = Path(self.system.environment["ANGEL_X_HOME"]) / "metrics"
        if not folder.is_dir():
            return Counter()
        MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
        found = Counter[str]()
        for family in registry.collect():
            for sample in family.samples:
                found[" ".join([sample.name, *sample.labels.values()])] += int(sample.value)
        return found


@pytest.fixture(scope="module")
def own_servers() -> Iterator[RunningServers]:
    """Servers that may be killed."""
    with (
        temporary_home() as home,
        start_servers(home, database_url=None, redis_url=None, durable=False) as running,
    ):
        yield running


@pytest.fixture
def world(own_servers: RunningServers, tmp_path: Path) -> Iterator[World]:
    ours = environ_on(
        own_servers.urls,
        tmp_path / "home",
        greeks_refresh_seconds=str(REFRESH_SECONDS),
        # The compiled kernels take seconds to be made ready, and none of this is about arithmetic.
        warm_cache_on_startup="false",
    )
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANGEL_X_")}
    with (
        application_on(ours) as application,
        closing(
            Celery(broker=kombu_address(own_servers.urls.broker_redis_url), set_as_current=False)
        ) as client,
        processes(inherited | ours, tmp_path) as system,
    ):
        schema.upgrade(application.base.engine)
        application.base.broker.flushall()
        application.base.cache.flushall()
        yield World(own_servers, system, Market.open(application), client)


def test_a_message_that_cannot_be_run_ends_without_a_traceback_and_harms_no_other(
    world: World,
) -> None:
    worker = world.system.worker("greeks", QueueName.GREEKS)
    current = world.application.market.universes.current()
    rows = len(current)

    world.ask("0123456789abcdef", 0, rows)
    world.ask(current.version, 1, rows)
    world.ask(current.version, 0, rows, expires=-1)
    world.send(TaskName.COMPUTE_GREEKS_CHUNK, current.version, 0, rows, "2026-01-01T00:00:00")
    world.ask(current.version, 0, rows)

    # The queue is read in order, and a chunk is counted when it is published.
    eventually(lambda: world.counts()[Metric.GREEKS_CONTRACTS.value], "the sound one is run")
    assert world.age() < float("inf")
    counts = world.counts()
    for reason in ("unknown_version", "impossible_bounds", "time_without_zone"):
        assert counts[f"{Metric.MESSAGES_DROPPED.value} {reason}"] == 1
    assert counts[f"{Metric.MESSAGES_EXPIRED.value} {TaskName.COMPUTE_GREEKS_CHUNK.value}"] == 1
    assert counts[Metric.GREEKS_CONTRACTS.value] == rows
    assert "Traceback" not in world.system.log("greeks")
    assert worker.poll() is None


def test_a_universe_that_changes_in_the_middle_of_a_refresh_is_priced_by_its_own_rows(
    world: World,
) -> None:
    worker = world.system.worker("greeks", QueueName.GREEKS)
    old = world.application.market.universes.current()
    eventually(world.refreshed, "the old universe is published")

    strikes = (23_800, 23_900, 24_000, 24_100, 24_200)
    newer = Universe(contracts(world.application, strikes))
    world.ask(old.version, 0, len(old))
    world.application.market.contracts.store.replace(newer)
    world.application.market.contracts.publish(newer.version)
    world.ask(old.version, 0, len(old))

    eventually(
        lambda: world.application.market.universes.current().version == newer.version, "it is seen"
    )
    eventually(world.refreshed, "the new universe is published")
    keys = world.application.base.cache.keys(f"ax:greeks:{newer.version}:*")
    assert len(keys) == len(newer.chains)
    assert "Traceback" not in world.system.log("greeks")
    assert worker.poll() is None


def test_a_cache_that_dies_between_two_chunks_is_filled_again(world: World) -> None:
    worker = world.system.worker("greeks", QueueName.GREEKS)
    current = world.application.market.universes.current()
    eventually(world.refreshed, "everything is published")
    killed = world.servers.pids()["cache"]

    os.kill(killed, signal.SIGKILL)
    world.ask(current.version, 0, len(current))
    world.send(TaskName.REFRESH_GREEKS)

    eventually(lambda: world.servers.pids().get("cache", killed) != killed, "the cache is back")
    eventually(world.refreshed, "everything is published again")
    assert "Traceback" not in world.system.log("greeks")
    assert worker.poll() is None


def test_chunks_that_no_worker_takes_expire_and_none_of_them_is_run_later(world: World) -> None:
    worker = world.system.worker("greeks", QueueName.GREEKS)
    os.killpg(worker.pid, signal.SIGSTOP)
    greeks, refreshes = world.application.analytics.greeks, 3

    for _ in range(refreshes):
        # All the universe is one chunk here, and that is all that a refresh adds.
        assert greeks.refresh() == 1
    # The worker may have had its hand on the first of them when it was stopped.
    eventually(lambda: refreshes - 1 <= world.waiting() <= refreshes, "the chunks wait")
    over = world.application.base.clock() + timedelta(seconds=REFRESH_SECONDS)
    eventually(lambda: world.application.base.clock() > over, "the last of them expires")
    os.killpg(worker.pid, signal.SIGCONT)

    expired = f"{Metric.MESSAGES_EXPIRED.value} {TaskName.COMPUTE_GREEKS_CHUNK.value}"
    eventually(lambda: world.counts()[expired] == refreshes, "all are dropped")
    assert world.waiting() == 0
    assert world.counts()[Metric.GREEKS_CONTRACTS.value] == 0
    assert world.age() == float("inf")
    assert greeks.refresh() == 1
    eventually(lambda: world.age() < float("inf"), "the next one is run")
