"""Each test of a contract runs once in memory and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from angel_x.adapters.postgres.engine import make_engine
from tests.integration.contracts.places import Database, Memory, Store
from tests.integration.contracts.worlds import MemoryWorld, SqlWorld, World

#: Only a lock that another transaction holds is waited for at all.
_HASTY_SECONDS = 0.2


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    url = request.getfixturevalue("migrated_url")
    hasty = make_engine(url, pool_size=1, max_pool_size=2, lock_seconds=_HASTY_SECONDS)
    yield SqlWorld(request.getfixturevalue("engine"), hasty)
    hasty.dispose()


@pytest.fixture
def user(world: World) -> int:
    return world.account()


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return Memory()
    return Database(request.getfixturevalue("engine"))
