"""A system with two accounts that the tests of one module share; calls leave it as it was, or add."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from angel_x.adapters.sealing import new_key
from angel_x.adapters.servers import RunningServers
from angel_x.adapters.servers.urls import RedisAddress
from angel_x.services.operations.alert_targets import TargetForm
from config.loading import load
from tests.builders.environs import environ_of
from tests.integration.api.running import RunningApi, running
from tests.integration.rights.world import HOLDER, STRANGER, World

if TYPE_CHECKING:
    from tests.plugins.servers import DatabaseFactory


@pytest.fixture(scope="module")
def shared_environ(
    servers: RunningServers,
    databases: DatabaseFactory,
    migrated_database: str,
    _redis_numbers: Iterator[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """The environment of a system of one module."""
    number = next(_redis_numbers)
    cache = RedisAddress.parse(servers.urls.cache_url).with_database(number)
    broker = RedisAddress.parse(servers.urls.broker_redis_url).with_database(number)
    home = str(tmp_path_factory.mktemp("home"))
    with databases.fresh(template=migrated_database) as url:
        # Lines about slow statements would be among the output that is compared.
        quiet = {"metrics_enabled": "false", "slow_query_threshold_ms": "3600000"}
        quiet["alerts_key"] = new_key()
        yield environ_of(url, broker.redis_url, cache.redis_url, home=home, **quiet)


@pytest.fixture(scope="module")
def api(shared_environ: dict[str, str]) -> Iterator[RunningApi]:
    with running(load(shared_environ)) as api:
        yield api


@pytest.fixture(scope="module")
def world(api: RunningApi) -> World:
    made = World.of(api.application)
    targets = api.application.alerts.targets
    for name, user_id in ((HOLDER, made.holder_id), (STRANGER, made.stranger_id)):
        form = TargetForm("json://127.0.0.1:9/secret")
        targets.put(user_id, f"{name}-phone", form, actor="cli", by_operator=True)
        targets.test(user_id, None, actor=name)
    return made
