"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import redis
import structlog
from sqlalchemy import Engine

from angel_x.adapters.logging import ErrorStream
from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.bootstrap import Application
from tests.builders.environs import application_on, environ_of

if TYPE_CHECKING:
    from tests.plugins.servers import DatabaseFactory, RedisUrls

pytest_plugins = ["tests.plugins.runs", "tests.plugins.servers"]

# The same examples everywhere, and a busy machine fails no test.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")

REFERENCE_FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz-minutes",
        type=float,
        default=0,
        help="Minutes of generated requests to the API, by default one short round.",
    )
    parser.addoption("--pictures", help="Folder for pictures of pages, of tests with a browser.")
    parser.addoption("--fuzz-seed", type=int, default=1, help="Seed of the first long round.")


def pytest_configure() -> None:
    """Undo what a shell does to runs in its background: their children would ignore these too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from thousands of tests, which live to the end."""
    gc.freeze()


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Undo what a command that ran in this process has set up for its log."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
        root = logging.getLogger()
        root.handlers[:] = [h for h in root.handlers if not isinstance(h, ErrorStream)]
        root.setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def reference_folder() -> Path:
    """The folder of real chains and reference values, which a user's clone does not have."""
    if not REFERENCE_FOLDER.is_dir():
        pytest.skip(f"reference values are not here: {REFERENCE_FOLDER.parent.name}/data is absent")
    return REFERENCE_FOLDER


@pytest.fixture(scope="session")
def migrated_database(databases: DatabaseFactory) -> Iterator[str]:
    """A database with the whole schema that nobody connects to, to be copied."""
    with databases.fresh() as url:
        engine = make_engine(url, pool_size=1, max_pool_size=1)
        schema.upgrade(engine)
        engine.dispose()
        yield url


@pytest.fixture
def migrated_url(databases: DatabaseFactory, migrated_database: str) -> Iterator[str]:
    """The URL of a fresh database with the whole schema."""
    with databases.fresh(template=migrated_database) as url:
        yield url


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    """An engine on a fresh database with the whole schema."""
    engine = make_engine(migrated_url, pool_size=5, max_pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture
def cache(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    """A client on an empty cache."""
    with closing(redis.Redis.from_url(redis_urls.cache_url)) as client:
        yield client


@pytest.fixture
def environ(migrated_url: str, redis_urls: RedisUrls, tmp_path: Path) -> dict[str, str]:
    """The environment of a process of a whole system: fresh database, broker, cache and home."""
    return environ_of(
        migrated_url, redis_urls.broker_redis_url, redis_urls.cache_url, home=str(tmp_path)
    )


@pytest.fixture
def application(environ: dict[str, str]) -> Iterator[Application]:
    """The application on those servers, with no worker running."""
    with application_on(environ) as application:
        yield application
