"""An API on the servers of the test session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from angel_x import Client
from angel_x.adapters.servers import RunningServers
from angel_x.adapters.servers.urls import RedisAddress
from config.loading import load
from tests.builders.environs import environ_of
from tests.integration.api.running import RunningApi, running

if TYPE_CHECKING:
    from tests.plugins.servers import DatabaseFactory, RedisUrls

StartApi = Callable[..., RunningApi]


@pytest.fixture
def environment(migrated_url: str, redis_urls: RedisUrls) -> dict[str, str]:
    return _environment(migrated_url, redis_urls.broker_redis_url, redis_urls.cache_url)


@pytest.fixture(scope="module")
def module_environment(
    servers: RunningServers,
    databases: DatabaseFactory,
    migrated_database: str,
    _redis_numbers: Iterator[int],
) -> Iterator[dict[str, str]]:
    """Fresh servers for the tests of one module together."""
    number = next(_redis_numbers)
    cache = RedisAddress.parse(servers.urls.cache_url).with_database(number)
    broker = RedisAddress.parse(servers.urls.broker_redis_url).with_database(number)
    with databases.fresh(template=migrated_database) as database_url:
        yield _environment(database_url, broker.redis_url, cache.redis_url)


@pytest.fixture(scope="module")
def shared_api(module_environment: dict[str, str]) -> Iterator[RunningApi]:
    """An API with a generated chain, for tests that change nothing which others see."""
    with running(load(module_environment)) as api:
        api.application.market.contracts.load_generated()
        yield api


@pytest.fixture
def start_api(environment: dict[str, str]) -> Iterator[StartApi]:
    """Start an API on the servers of this test, with settings by their variables."""
    with ExitStack() as stack:

        def start(**overrides: str) -> RunningApi:
            return stack.enter_context(running(load(environment | overrides)))

        yield start


@pytest.fixture
def api(start_api: StartApi) -> RunningApi:
    """An API with a generated chain of NIFTY."""
    api = start_api()
    api.application.market.contracts.load_generated()
    return api


@pytest.fixture
def account(api: RunningApi) -> tuple[int, str]:
    """The id of a funded account and a key that may trade."""
    return api.open_account("trader")


@pytest.fixture
def key(account: tuple[int, str]) -> str:
    return account[1]


@pytest.fixture
def client(api: RunningApi, key: str) -> Iterator[Client]:
    with Client(api.url, key, retries=0) as client:
        yield client


@pytest.fixture
def order(api: RunningApi) -> dict[str, object]:
    """The fields of an order that is accepted."""
    return api.order_fields()


def _environment(database_url: str, broker_url: str, cache_url: str) -> dict[str, str]:
    # The files of metrics belong to a process, and many applications share this one.
    return environ_of(database_url, broker_url, cache_url, metrics_enabled="false")
