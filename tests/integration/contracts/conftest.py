"""Each test of a contract runs once in memory and once on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.integration.contracts.worlds import MemoryWorld, SqlWorld, World


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return MemoryWorld()
    return SqlWorld(request.getfixturevalue("engine"))


@pytest.fixture
def user(world: World) -> int:
    return world.account()
