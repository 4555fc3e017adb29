from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import Processes, processes
from tests.plugins.servers import RedisUrls


@pytest.fixture
def environment(migrated_url: str, redis_urls: RedisUrls, tmp_path: Path) -> dict[str, str]:
    """Variables of a system of its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANGEL_X_")}
    return {
        **inherited,
        "ANGEL_X_ENV": "testing",
        "ANGEL_X_HOME": str(tmp_path / "home"),
        "ANGEL_X_NODE": "test",
        "ANGEL_X_DATABASE_URL": migrated_url,
        "ANGEL_X_BROKER_URL": redis_urls.broker_redis_url,
        "ANGEL_X_CACHE_URL": redis_urls.cache_url,
        # On a busy machine a test outlives its quotes and risk arrays, and its orders would be denied.
        "ANGEL_X_CACHE_TTL_MARKET_DATA": "3600",
        "ANGEL_X_CACHE_TTL_GREEKS": "3600",
    }


@pytest.fixture
def system(environment: dict[str, str], tmp_path: Path) -> Iterator[Processes]:
    """Processes that end with the test."""
    with processes(environment, tmp_path) as started:
        yield started
