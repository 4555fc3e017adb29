"""A machine without power: its disk keeps what was forced to it, and nothing else.

PostgreSQL is put back to the files of its last checkpoint and the part of its log that it had forced to
the disk; the message broker's append-only file loses its end within a command.  With a C compiler (``FORGETFUL_CC``)
both servers run on a layer that notes what they force, and undoes everything else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import psutil
import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers import RunningServers, start_servers
from angel_x.adapters.servers.urls import libpq_url
from tests.builders.forgetful import Forgetful
from tests.builders.orders import Market
from tests.e2e.processes import eventually
from tests.faults.nursery import is_gone
from tests.faults.web import Api
from tests.faults.world import ORDER_QUEUES, World, world_on
from tests.plugins.servers import temporary_home

pytestmark = pytest.mark.e2e

SEED = 20
#: Names a C compiler for the layer of ``tests/builders/forgetful.c``, which goes by what servers force.
COMPILER = os.environ.get("FORGETFUL_CC")


class Machine:
    """The servers of a home, and the disk below them."""

    def __init__(self, home: Path, servers: RunningServers, layer: Forgetful | None) -> None:
        self._servers = servers
        self._layer = layer
        (self._data,) = (p.parent for p in home.rglob("PG_VERSION") if p.parent.name == "data")
        (self._messages,) = home.rglob("appendonlydir")
        self._kept = self._data.with_name("kept")

    def keep_checkpoint(self) -> None:
        """Copy the files of a checkpoint, all of which were forced to the disk."""
        if self._layer:
            return
        self._ask("CHECKPOINT")
        shutil.copytree(self._data, self._kept)
        for path in (self._kept, *self._kept.rglob("*")):
            status = (self._data / path.relative_to(self._kept)).stat()
            os.chown(path, status.st_uid, status.st_gid)

    def lose_power(self, random: Random) -> int:
        """Keep what was forced to the disk; return the bytes or the changes that are lost."""
        forced = self._ask(
            "SELECT file_name, file_offset FROM pg_walfile_name_offset(pg_current_wal_flush_lsn())"
        )
        pids = self._servers.pids()
        guardian = psutil.Process(pids.pop("guardian"))
        # It starts the servers again, though not before the disk is as it would be.
        guardian.suspend()
        for pid in pids.values():
            _kill(psutil.Process(pid))
        if self._layer:
            lost = self._layer.forget()
        else:
            self._put_back(*forced)
            lost = _cut(max(self._messages.glob("*.incr.aof")), random)
        guardian.resume()
        eventually(self._is_back, "the servers are back")
        return lost

    def _put_back(self, segment: str, offset: int) -> None:
        """Combine the files of the checkpoint with the log as far as it was forced."""
        shutil.rmtree(self._kept / "pg_wal")
        shutil.move(self._data / "pg_wal", self._kept / "pg_wal")
        for path in (self._kept / "pg_wal").iterdir():
            if path.is_file() and path.name >= segment:
                _zero(path, offset if path.name == segment else 0)
        (self._kept / "postmaster.pid").unlink()
        shutil.rmtree(self._data)
        self._kept.rename(self._data)

    def _is_back(self) -> bool:
        with suppress(psycopg2.Error, redis.RedisError):
            self._ask("SELECT 1")
            urls = self._servers.urls
            for url in (urls.broker_redis_url, urls.cache_url):
                with closing(redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0))) as client:
                    client.ping()
            return True
        return False

    def _ask(self, question: str) -> tuple[Any, ...]:
        url = libpq_url(self._servers.urls.database_url)
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(question)
                return (cursor.fetchone() if cursor.description else None) or ()


def _kill(server: psutil.Process) -> None:
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    # The guardian, which would bury the server, is stopped.
    eventually(lambda: all(is_gone(process.pid) for process in processes), "the server has ended")


def _zero(path: Path, start: int) -> None:
    """Overwrite a file from ``start`` on; an unused segment of the log may hold anything."""
    size = path.stat().st_size
    os.truncate(path, start)
    os.truncate(path, size)


def _cut(path: Path, random: Random) -> int:
    """Cut off a tenth to a half of a file; return the bytes."""
    size = path.stat().st_size
    lost = random.randint(size // 10, size // 2)
    os.truncate(path, size - lost)
    return lost


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


@pytest.fixture
def layer(home: Path, monkeypatch: pytest.MonkeyPatch) -> Forgetful | None:
    """The layer that the servers are started on where there is a compiler for it."""
    if COMPILER is None:
        return None
    folder = home.parent / "layer"
    folder.mkdir()
    roots = (home / "servers" / name for name in ("postgres", "broker"))
    layer = Forgetful.compiled(COMPILER, folder, *roots)
    for name, value in layer.environment.items():
        monkeypatch.setenv(name, value)
    return layer


@pytest.fixture
def own_servers(home: Path, layer: Forgetful | None) -> Iterator[RunningServers]:
    """Servers that keep what they promise."""
    with start_servers(home, database_url=None, redis_url=None) as running:
        engine = make_engine(running.urls.database_url, pool_size=1, max_pool_size=1)
        schema.upgrade(engine)
        engine.dispose()
        yield running


@pytest.fixture
def world(own_servers: RunningServers, tmp_path: Path) -> Iterator[World]:
    urls = own_servers.urls
    with world_on(urls.database_url, urls.broker_redis_url, urls.cache_url, tmp_path) as world:
        yield world


def test_what_was_accepted_survives_a_power_cut_and_lost_doorbells_are_rung_for_again(
    home: Path, own_servers: RunningServers, layer: Forgetful | None, world: World
) -> None:
    machine = Machine(home, own_servers, layer)
    user, api = world.market.account("power"), Api.on_free_port(world)
    key = api.key(user)
    api.start("api")
    machine.keep_checkpoint()
    world.system.worker("before", ORDER_QUEUES)
    decided, waiting = [f"d{n}" for n in range(30)], [f"w{n}" for n in range(30)]
    assert set(api.submit_at_once(key, decided, 4)) == {202}
    world.until(user, "filled")
    world.system.kill(next(p for p in world.system.started if p.name == "before"))
    assert set(api.submit_at_once(key, waiting, 4)) == {202}

    lost = machine.lose_power(Random(SEED))

    assert lost > 0
    statuses = world.statuses(user)
    assert {name for name, n in world.ids(user).items() if statuses[n] == "filled"} == set(decided)
    assert set(world.ids(user)) == {*decided, *waiting}
    # Quotes are lost with the cache.
    Market.open(world.application)
    world.system.worker("after", ORDER_QUEUES)
    world.system.relay("relay")
    world.until(user, "filled")
    world.assert_filled_once(user, world.ids(user).values())
