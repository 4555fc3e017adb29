"""A primary that dies or falls silent under load, and the one that takes its place."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from angel_x.adapters.outage import outage
from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers import RunningServers
from angel_x.adapters.servers.urls import RedisAddress
from config.addresses import sqlalchemy_address
from tests.builders.replicas import Replicas, replicated
from tests.builders.sentinels import Sentinels, guarded
from tests.e2e.processes import eventually
from tests.faults.web import Api
from tests.faults.world import ORDER_QUEUES, World, world_on

pytestmark = pytest.mark.e2e

#: Orders of each client, and clients.
EACH, CLIENTS = 40, 4
TAKEN = {200, 202}


@pytest.fixture
def cluster() -> Iterator[Replicas]:
    with replicated() as cluster:
        engine = make_engine(sqlalchemy_address(cluster.url), pool_size=1, max_pool_size=1)
        schema.upgrade(engine)
        engine.dispose()
        yield cluster


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    with guarded(tmp_path) as sentinels:
        yield sentinels


@pytest.fixture
def open_own_world(
    servers: RunningServers, _redis_numbers: Iterator[int], tmp_path: Path
) -> Iterator[Callable[..., World]]:
    """Open a world on a database, and on Sentinels' servers in place of the shared ones."""
    with ExitStack() as stack:

        def opened(database_url: str, sentinels: Sentinels | None = None) -> World:
            number = next(_redis_numbers)
            shared = (servers.urls.broker_redis_url, servers.urls.cache_url)
            broker, cache = (
                (sentinels.url(0), sentinels.url(1))
                if sentinels
                else (RedisAddress.parse(u).with_database(number).redis_url for u in shared)
            )
            world = stack.enter_context(world_on(database_url, broker, cache, tmp_path))
            world.system.worker("orders", ORDER_QUEUES, processes=2)
            world.system.relay("relay")
            return world

        yield opened


class Load:
    """Clients that submit each order until it is taken."""

    def __init__(self, api: Api, user: int) -> None:
        self._api = api
        self._key = api.key(user)
        self.taken: set[str] = set()
        self.names = [f"{user}-{number}" for number in range(EACH * CLIENTS)]

    def submit(self, name: str) -> None:
        eventually(lambda: self._api.submit(self._key, name) in TAKEN, f"{name} is taken", 300)
        self.taken.add(name)

    def through(self, failover: Callable[[], object]) -> None:
        """Submit everything, with a failover after the first quarter."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            submitted = [clients.submit(self.submit, name) for name in self.names]
            eventually(lambda: len(self.taken) > len(self.names) // 4, "orders are taken", 300)
            failover()
            assert len(self.taken) < len(self.names), "the load was over before the failover"
            for each in submitted:
                each.result()


def served(world: World) -> Api:
    api = Api.on_free_port(world)
    api.start("api", {"ANGEL_X_API_RESPONSE_TIMEOUT": "3"})
    return api


def kill_primary(cluster: Replicas, world: World) -> None:
    """Kill it, and drop the connections to it that this process still has."""
    cluster.primary.kill()
    world.application.base.engine.dispose()


def assert_each_taken_once(world: World, user: int, names: list[str]) -> None:
    world.until(user, "filled", seconds=300)
    assert set(world.ids(user)) == set(names)
    world.assert_filled_once(user, world.ids(user).values())


def test_a_database_primary_that_is_killed_under_load_loses_and_doubles_nothing(
    cluster: Replicas, open_own_world: Callable[..., World]
) -> None:
    world = open_own_world(cluster.url)
    user, api = world.market.account("killed"), served(world)
    load = Load(api, user)

    def failover() -> None:
        kill_primary(cluster, world)
        cluster.promote()

    load.through(failover)

    assert_each_taken_once(world, user, load.names)
    assert cluster.standby.ask("SELECT pg_is_in_recovery()") == [(False,)]


def test_a_primary_that_returns_after_its_standby_was_promoted_promises_nothing(
    cluster: Replicas, open_own_world: Callable[..., World]
) -> None:
    world = open_own_world(cluster.url)
    user, api = world.market.account("split"), served(world)
    key = api.key(user)
    early, late = [f"e{n}" for n in range(8)], [f"l{n}" for n in range(8)]
    assert set(api.submit_at_once(key, early, 4)) == {202}

    cluster.primary.signal(signal.SIGSTOP)
    cluster.promote()
    cluster.primary.signal(signal.SIGCONT)
    answers = api.submit_at_once(key, late, 4)

    # It takes connections and writes, and waits for a standby that does not follow it any more.
    assert cluster.primary.ask("SELECT pg_is_in_recovery()") == [(False,)]
    assert not TAKEN & set(answers)
    stored = cluster.standby.ask("SELECT client_order_id FROM orders")
    assert {name for (name,) in stored} == set(early)

    # A failover manager ends the old primary.
    kill_primary(cluster, world)
    load = Load(api, user)
    for name in late:
        load.submit(name)
    assert_each_taken_once(world, user, early + late)


def test_a_broker_and_cache_whose_master_is_killed_under_load_lose_and_double_nothing(
    sentinels: Sentinels, migrated_url: str, open_own_world: Callable[..., World]
) -> None:
    world = open_own_world(migrated_url, sentinels)
    world.system.beat("beat")
    user, api = world.market.account("sentinel"), served(world)
    load = Load(api, user)
    sentinels.await_replicas()
    killed = sentinels.master()

    load.through(sentinels.kill_master)

    eventually(lambda: sentinels.master() != killed, "another master")
    assert_each_taken_once(world, user, load.names)
    # Without the relay: the worker hears the new master's messages.
    world.system.kill(next(p for p in world.system.started if p.name == "relay"))
    load.submit("last")
    assert_each_taken_once(world, user, [*load.names, "last"])
    # A probe of a deaf worker finds the new master too.
    assert outage(sentinels.url(0), migrated_url, settled_seconds=0) is None
    broker = world.application.base.broker
    eventually(lambda: broker.exists("redbeat::lock"), "Beat leads at the new master")
