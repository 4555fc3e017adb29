"""Servers that die, forget or hang in the middle of the work: every order is still decided once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from celery import Celery
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers import RunningServers, start_servers
from angel_x.bootstrap import Application
from config.addresses import kombu_address
from config.queues import WORKER_QUEUES
from tests.builders.environs import application_on, environ_on
from tests.builders.orders import Market
from tests.e2e.processes import Processes, eventually, processes
from tests.plugins.servers import temporary_home

pytestmark = pytest.mark.e2e

ORDER_QUEUES = ",".join(WORKER_QUEUES["orders"])
ACCOUNTS = 3
AT_ONCE = 20


@dataclass
class World:
    """Servers, a worker and a relay that nobody else uses, and what was accepted there."""

    servers: RunningServers
    system: Processes
    market: Market
    users: list[int]
    accepted: int = 0

    @property
    def application(self) -> Application:
        return self.market.application

    def accept(self, rounds: int) -> None:
        """Accept orders of every account, whatever becomes of their messages."""
        for user in self.users * rounds:
            requests = [self.market.request() for _ in range(AT_ONCE)]
            self.accepted += len(self.market.accept(user, *requests))

    def await_decisions(self) -> None:
        try:
            eventually(self._all_are_decided, f"{self.accepted} orders are decided", 300)
        except AssertionError as error:
            with closing(redis.Redis.from_url(self.servers.urls.broker_redis_url)) as broker:
                depths = {queue: broker.llen(queue) for queue in ORDER_QUEUES.split(",")}
            raise AssertionError(
                f"{error}; {self.decided()} were; messages: {depths}\n{self.system.tails()}"
            ) from None

    def decided(self) -> int:
        return sum(status != "received" for status in self.market.statuses().values())

    def assert_each_was_decided_once(self) -> None:
        statuses = self.market.statuses()
        assert len(statuses) == self.accepted
        assert set(statuses.values()) == {"filled"}
        with self.application.base.engine.connect() as connection:
            fills = connection.exec_driver_sql("SELECT count(*) FROM fills").scalar_one()
        assert fills == self.accepted
        self.market.assert_invariants()

    def _all_are_decided(self) -> bool:
        try:
            return self.decided() == self.accepted
        except OperationalError:  # the database is not back yet
            return False


@pytest.fixture(scope="module")
def own_servers() -> Iterator[RunningServers]:
    """Servers that may be killed, and keep what they have promised to keep."""
    with (
        temporary_home() as home,
        start_servers(home, database_url=None, redis_url=None) as running,
    ):
        engine = make_engine(running.urls.database_url, pool_size=1, max_pool_size=1)
        schema.upgrade(engine)
        engine.dispose()
        yield running


@pytest.fixture
def world(own_servers: RunningServers, tmp_path: Path) -> Iterator[World]:
    ours = environ_on(
        own_servers.urls,
        tmp_path / "home",
        ring_after_ms="300",
        order_batch_size="5",
        claim_limit="5",
        submit_user="u0",
    )
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANGEL_X_")}
    with (
        application_on(ours) as application,
        processes(inherited | ours, tmp_path) as system,
    ):
        _empty(application)
        market = Market.open(application)
        users = [market.account(f"u{n}") for n in range(ACCOUNTS)]
        yield World(own_servers, system, market, users)


def _empty(application: Application) -> None:
    with application.base.engine.begin() as connection:
        # The superuser's way past the guards of what can only be added to.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("TRUNCATE users, contracts CASCADE")
        connection.exec_driver_sql("TRUNCATE order_events, fills, ledger_entries")
    application.base.broker.flushall()
    application.base.cache.flushall()


def terminate_everybody(engine: Engine) -> int:
    """End every other connection to the database; return how many there were."""
    with engine.connect() as connection:
        ended = connection.exec_driver_sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(ended.scalar_one())


def test_a_broker_that_is_killed_in_the_middle_loses_and_doubles_nothing(world: World) -> None:
    worker = world.system.worker("orders", ORDER_QUEUES, processes=2)
    world.system.start("relay", "-m", "angel_x.entrypoints.cli", "relay")
    # No one starts it again here, and it is what knows of the doorbells that are lost.
    world.system.until_logged("relay", "relay.started")
    world.accept(10)
    eventually(world.decided, "the worker is in the middle of it")
    killed = world.servers.pids()["broker"]

    os.kill(killed, signal.SIGKILL)
    world.accept(5)

    eventually(lambda: world.servers.pids().get("broker", killed) != killed, "the broker is back")
    world.await_decisions()
    world.assert_each_was_decided_once()

    # Without the relay: the worker itself hears the new broker's messages.
    world.accept(1)
    world.await_decisions()
    world.assert_each_was_decided_once()
    assert worker.poll() is None


def test_a_broker_that_is_wiped_in_the_middle_loses_and_doubles_nothing(world: World) -> None:
    world.system.worker("orders", ORDER_QUEUES, processes=2)
    world.system.start("relay", "-m", "angel_x.entrypoints.cli", "relay")

    with closing(redis.Redis.from_url(world.servers.urls.broker_redis_url)) as broker:
        for _ in range(10):
            world.accept(1)
            broker.flushall()

    world.await_decisions()
    world.assert_each_was_decided_once()


def test_connections_that_the_database_ends_lose_and_double_nothing(world: World) -> None:
    world.system.worker("orders", ORDER_QUEUES, processes=2)
    world.system.start("relay", "-m", "angel_x.entrypoints.cli", "relay")
    saboteur = make_engine(world.servers.urls.database_url, pool_size=1, max_pool_size=1)

    ended = 0
    for _ in range(8):
        world.accept(1)
        ended += terminate_everybody(saboteur)
    saboteur.dispose()

    assert ended >= 8
    world.await_decisions()
    world.assert_each_was_decided_once()


def test_a_database_that_is_killed_in_the_middle_loses_and_doubles_nothing(world: World) -> None:
    world.system.worker("orders", ORDER_QUEUES, processes=2)
    world.system.start("relay", "-m", "angel_x.entrypoints.cli", "relay")
    world.accept(10)
    eventually(world.decided, "the worker is in the middle of it")
    killed = world.servers.pids()["postgres"]

    os.kill(killed, signal.SIGKILL)

    eventually(lambda: world.servers.pids().get("postgres", killed) != killed, "it is back")
    world.await_decisions()
    world.assert_each_was_decided_once()


def test_a_submission_whose_task_is_killed_for_its_time_is_not_lost(world: World) -> None:
    world.system.worker("orders", ORDER_QUEUES)
    message = {"client_order_id": "s", "symbol": world.market.symbols[0], "side": "BUY"}
    broker_url = world.application.base.settings.needed("broker_url")

    with (
        world.application.base.engine.begin() as holder,
        closing(Celery(broker=kombu_address(broker_url), set_as_current=False)) as stranger,
    ):
        holder.exec_driver_sql("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        stranger.send_task(
            "orders.submit",
            args=[message | {"quantity": 65}],
            soft_time_limit=1,
            time_limit=2,
        )
        world.system.until_logged("orders", "Hard time limit (2", seconds=120)

    world.accepted = 1
    world.await_decisions()
    world.assert_each_was_decided_once()
