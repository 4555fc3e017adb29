"""Servers that take no more, or come back without what they knew."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in other clothes
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers import RunningServers, start_servers
from angel_x.adapters.servers.urls import libpq_url
from tests.e2e.processes import eventually
from tests.faults.web import Api
from tests.faults.world import ORDER_QUEUES, World, world_on
from tests.plugins.servers import temporary_home

pytestmark = pytest.mark.e2e

#: Bytes.  The tables here end before it, so what fails is the log, which is filled up to behind it.
NO_ROOM = 1_048_576
FULL = "File too large"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="module")
def own_servers(home: Path) -> Iterator[RunningServers]:
    """Servers that may be harmed, and keep what they have promised to keep."""
    with start_servers(home, database_url=None, redis_url=None) as running:
        engine = make_engine(running.urls.database_url, pool_size=1, max_pool_size=1)
        schema.upgrade(engine)
        engine.dispose()
        yield running


@pytest.fixture(scope="module")
def world(own_servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("own")
    urls = own_servers.urls
    with world_on(urls.database_url, urls.broker_redis_url, urls.cache_url, folder) as world:
        world.system.worker("orders", ORDER_QUEUES)
        world.system.relay("relay")
        yield world


@pytest.fixture(scope="module")
def api(world: World) -> Iterator[Api]:
    api = Api.on_free_port(world)
    api.start("api")
    yield api
    api.http.clear()


@pytest.fixture
def broker(own_servers: RunningServers) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(own_servers.urls.broker_redis_url, retry=Retry(NoBackoff(), 0))
    with closing(client):
        yield client


def test_a_full_broker_turns_nobody_away_and_ends_no_worker(
    world: World, api: Api, broker: redis.Redis
) -> None:
    user = world.market.account("full-broker")
    key = api.key(user)

    broker.config_set("maxmemory", "1")
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        broker.set("any", 1)
    assert set(api.submit_at_once(key, [f"f{n}" for n in range(20)], 4)) == {202}
    assert "received" in world.statuses(user).values()
    broker.config_set("maxmemory", "512mb")

    world.until(user, "filled")
    assert set(world.ids(user)) == {f"f{n}" for n in range(20)}
    world.assert_filled_once(user, world.ids(user).values())
    assert_working(world, api, key, user)


def test_a_broker_that_comes_back_without_its_file_has_lost_no_order(
    world: World, api: Api, broker: redis.Redis, own_servers: RunningServers, home: Path
) -> None:
    user = world.market.account("no-file")
    key = api.key(user)
    broker.set("mark", 1)
    before = broker.info("server")["run_id"]
    (written,) = home.rglob("appendonlydir")
    shutil.move(str(written), str(written.with_name("taken")))

    os.kill(own_servers.pids()["broker"], signal.SIGKILL)
    assert set(api.submit_at_once(key, [f"n{n}" for n in range(20)], 4)) == {202}

    def is_new() -> bool:
        with suppress(redis.RedisError):
            return bool(broker.info("server")["run_id"] != before)
        return False

    eventually(is_new, "another server runs")
    assert not broker.exists("mark")
    world.until(user, "filled")
    world.assert_filled_once(user, world.ids(user).values())
    assert len(world.ids(user)) == 20
    assert_working(world, api, key, user)


def test_a_database_that_is_stopped_at_once_keeps_what_was_promised(
    world: World, api: Api, own_servers: RunningServers
) -> None:
    user = world.market.account("stopped")
    key = api.key(user)
    ids = [f"s{n}" for n in range(60)]
    before = started(own_servers)

    first = api.submit_at_once(key, ids[:30], 4)
    os.kill(own_servers.pids()["postgres"], signal.SIGQUIT)
    second = api.submit_at_once(key, ids[30:], 4)

    eventually(lambda: started(own_servers) not in {None, before}, "another server runs")
    promised = {n for n, status in zip(ids, first + second, strict=True) if status == 202}
    assert set(first) == {202}
    assert set(second) <= {202, 503}
    recovered(world, api, key, user, ids, promised)


def test_a_database_whose_disk_is_full_promises_nothing_and_recovers(
    world: World, api: Api, own_servers: RunningServers, home: Path
) -> None:
    user = world.market.account("full-disk")
    key = api.key(user)
    ids = [f"d{n}" for n in range(20)]
    assert api.submit(key, "room") == 202
    world.until(user, "filled")

    fill_log(own_servers)
    limit_files_to(NO_ROOM, own_servers)
    answers = api.submit_at_once(key, ids, 4)

    assert 503 in answers
    promised = {n for n, status in zip(ids, answers, strict=True) if status == 202} | {"room"}
    # The server cannot write its log, so it falls over as often as it gets up, until there is room.
    (log,) = home.rglob("postgres.log")
    assert FULL in log.read_text(encoding="utf-8", errors="replace")
    assert started(own_servers) is None
    eventually(lambda: has_room(own_servers), "the server is back")
    # The connections of this process ended with the server.
    world.market.application.base.engine.dispose()
    recovered(world, api, key, user, [*ids, "room"], promised)


def recovered(
    world: World, api: Api, key: str, user: int, ids: list[str], promised: set[str]
) -> None:
    """All that was promised is there, all can be had by asking again, and each trades once."""

    def is_taken(name: str) -> bool:
        return api.submit(key, name) in {200, 202}

    assert promised <= set(world.ids(user))
    for name in ids:
        eventually(lambda name=name: is_taken(name), f"{name} is taken")  # type: ignore[misc]  # bound now
    world.until(user, "filled")
    assert set(world.ids(user)) == set(ids)
    world.assert_filled_once(user, world.ids(user).values())
    assert_working(world, api, key, user)


def assert_working(world: World, api: Api, key: str, user: int) -> None:
    """The worker that was there before still takes messages; the relay is not needed for it."""
    worker = next(p for p in world.system.started if p.name == "orders")
    assert worker.is_alive()
    assert api.submit(key, "last") == 202
    world.until(user, "filled")
    world.execute("SELECT 1")


def fill_log(servers: RunningServers) -> None:
    """Write to the log until its segment is longer than what will fit."""
    made: Connection = psycopg2.connect(libpq_url(servers.urls.database_url))
    with closing(made), made.cursor() as cursor:
        offset = 0
        while offset <= NO_ROOM:
            cursor.execute("SELECT pg_logical_emit_message(false, 'test', repeat('x', 600000))")
            made.commit()
            cursor.execute("SELECT file_offset FROM pg_walfile_name_offset(pg_current_wal_lsn())")
            ((offset,),) = cursor.fetchall()


def has_room(servers: RunningServers) -> bool:
    """Lift the limit from all that runs by now, and say whether the server gets its log written."""
    # It may have ended for good; then another one is started, which has room.
    with suppress(psutil.NoSuchProcess):
        limit_files_to(resource.RLIM_INFINITY, servers)
    with suppress(psycopg2.Error):
        made: Connection = psycopg2.connect(libpq_url(servers.urls.database_url))
        with closing(made), made.cursor() as cursor:
            made.autocommit = True
            cursor.execute("SELECT pg_logical_emit_message(true, 'test', 'room')")
            cursor.execute("CHECKPOINT")
            return True
    return False


def limit_files_to(size: int, servers: RunningServers) -> None:
    """Have every write of the database server fail that would end behind so many bytes of a file."""
    server = psutil.Process(servers.pids()["postgres"])
    pids = [process.pid for process in (server, *server.children(recursive=True))]
    user, group = server.uids().real, server.gids().real
    is_ours = user == os.geteuid()
    # Whose limits may be changed depends on the user, and the server may run as another one.
    subprocess.run(
        ["true"],
        check=True,
        user=None if is_ours else user,
        group=None if is_ours else group,
        extra_groups=None if is_ours else [],
        preexec_fn=partial(limit_files, pids, size),
    )


def limit_files(pids: Sequence[int], size: int) -> None:
    for pid in pids:
        # A backend may be gone by now.
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def started(servers: RunningServers) -> object:
    """Return when the database server started; None while it does not answer."""
    with suppress(psycopg2.Error):
        made: Connection = psycopg2.connect(libpq_url(servers.urls.database_url))
        with closing(made), made.cursor() as cursor:
            cursor.execute("SELECT pg_postmaster_start_time()")
            return cursor.fetchone()
    return None
