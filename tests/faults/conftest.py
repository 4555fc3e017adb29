from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from angel_x.adapters.servers import RunningServers
from tests.faults.world import World, open_world

if TYPE_CHECKING:
    from tests.plugins.servers import DatabaseFactory


@pytest.fixture(scope="module")
def world(
    servers: RunningServers,
    databases: DatabaseFactory,
    migrated_database: str,
    _redis_numbers: Iterator[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """A system of the module's own, in which nothing runs yet."""
    folder = tmp_path_factory.mktemp("world")
    number = next(_redis_numbers)
    with open_world(servers, databases, migrated_database, number, folder) as world:
        yield world
