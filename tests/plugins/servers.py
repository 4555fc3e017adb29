"""Real servers for tests: one instance per session, a fresh database and fresh Redis numbers per use.

Registered with ``pytest_plugins = ["tests.plugins.servers"]`` in ``tests/conftest.py``.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import pytest
import redis

from angel_x.adapters.servers import RunningServers, ServerUrls, erase, start_servers
from angel_x.adapters.servers.urls import RedisAddress, libpq_url
from tests.plugins.runs import memory_folder

#: Number 0 is left to clients that connect without choosing, and the last one to be the next of
#: another: a system that is given one Redis keeps its cache in the number after it.
REDIS_NUMBERS = range(1, 255)


@dataclass(frozen=True, slots=True)
class RedisUrls:
    #: As Celery and kombu read it.
    broker_url: str
    #: The broker again, as redis-py reads it.
    broker_redis_url: str
    #: As redis-py reads it.
    cache_url: str


class DatabaseFactory:
    """Makes databases on the session's PostgreSQL, empty or as copies of one that nobody uses."""

    def __init__(self, maintenance_url: str) -> None:
        self._maintenance_url = maintenance_url
        self._numbers = itertools.count(1)

    def create(self, template: str | None = None) -> str:
        """Make a database and return its URL; ``template`` is the URL of the one to copy."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        source = _name(template) if template else "template0"
        # Copying files is four times faster than logging them.
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY file_copy')
        return _with_name(self._maintenance_url, name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._execute(f'DROP DATABASE "{_name(url)}" WITH (FORCE)')

    @contextmanager
    def fresh(self, template: str | None = None) -> Iterator[str]:
        url = self.create(template)
        try:
            yield url
        finally:
            self.drop(url)

    def _execute(self, statement: str) -> None:
        with closing(psycopg2.connect(libpq_url(self._maintenance_url))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Give a data directory that does not exist yet, in memory where there is room for it.

    pytest's own folders are private to one user, and as root another one runs PostgreSQL.
    """
    parent = Path(tempfile.mkdtemp(prefix="h-", dir=memory_folder()))
    parent.chmod(0o755)
    home = parent / "home"
    try:
        yield home
    finally:
        erase(home)
        shutil.rmtree(parent)


@pytest.fixture(scope="session")
def servers() -> Iterator[RunningServers]:
    """Both Valkeys and PostgreSQL, for the whole session."""
    with (
        temporary_home() as home,
        start_servers(home, database_url=None, redis_url=None, durable=False) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def databases(servers: RunningServers) -> DatabaseFactory:
    """A factory, for fixtures that migrate one database and copy it."""
    return DatabaseFactory(servers.urls.database_url)


@pytest.fixture
def database_url(databases: DatabaseFactory) -> Iterator[str]:
    """A fresh empty database, dropped afterwards."""
    with databases.fresh() as url:
        yield url


@pytest.fixture(scope="session")
def _redis_numbers() -> Iterator[int]:
    return itertools.cycle(REDIS_NUMBERS)


@pytest.fixture
def redis_urls(servers: RunningServers, _redis_numbers: Iterator[int]) -> Iterator[RedisUrls]:
    """A database number that is empty on the broker and on the cache, emptied again afterwards."""
    number = next(_redis_numbers)
    broker = RedisAddress.parse(servers.urls.broker_redis_url).with_database(number)
    cache = RedisAddress.parse(servers.urls.cache_url).with_database(number)
    _flush(broker, cache)
    yield RedisUrls(broker.kombu_url, broker.redis_url, cache.redis_url)
    _flush(broker, cache)


@pytest.fixture
def server_urls(servers: RunningServers, database_url: str, redis_urls: RedisUrls) -> ServerUrls:
    """The fresh database and the fresh Redis numbers in one value."""
    return replace(
        servers.urls,
        database_url=database_url,
        broker_url=redis_urls.broker_url,
        broker_redis_url=redis_urls.broker_redis_url,
        cache_url=redis_urls.cache_url,
    )


def _flush(*addresses: RedisAddress) -> None:
    for address in addresses:
        with closing(redis.Redis.from_url(address.redis_url)) as client:
            client.flushdb()


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _with_name(url: str, name: str) -> str:
    address, question_mark, query = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{question_mark}{query}"
