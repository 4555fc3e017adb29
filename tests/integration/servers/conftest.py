from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from angel_x.adapters.servers import start_servers
from tests.plugins.servers import temporary_home


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory that does not exist yet."""
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """A home whose database is made, to be copied: making one takes a second."""
    with temporary_home() as home:
        start_servers(home, database_url=None, redis_url=None, durable=False).stop()
        yield home


@pytest.fixture
def prepared_home(home: Path, cluster: Path) -> Path:
    """A home of its own in which the servers ran before."""
    # cp keeps the owner of each file.
    subprocess.run(["cp", "-a", cluster, home], check=True)
    return home


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root needs somebody else to run PostgreSQL")
