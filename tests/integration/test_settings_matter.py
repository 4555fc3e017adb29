"""Settings that the composition root hands on: each is shown to change what happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool
from structlog.testing import capture_logs

from angel_x.bootstrap import Application
from tests.builders.environs import application_on
from tests.builders.orders import Market

Built = Callable[..., Application]


@pytest.fixture
def built(environ: dict[str, str]) -> Iterator[Built]:
    """Build applications from settings that differ from the testing ones."""
    with ExitStack() as stack:

        def make(role: str = "api", **changes: object) -> Application:
            given = {name: str(value) for name, value in changes.items()}
            return stack.enter_context(application_on(environ, role, **given))

        yield make


def pool(application: Application) -> tuple[int, int]:
    """Connections that are kept, and at most."""
    found = application.base.engine.pool
    assert isinstance(found, QueuePool)
    return found.size(), found.size() + found._max_overflow


def test_db_pool_size_and_db_max_pool_size_bound_the_connections(built: Built) -> None:
    assert pool(built(DB_POOL_SIZE=3, DB_MAX_POOL_SIZE=7)) == (3, 7)


def test_a_worker_process_opens_few_connections_whatever_the_api_may(built: Built) -> None:
    kept, most = pool(built("orders-0", DB_POOL_SIZE=30, DB_MAX_POOL_SIZE=60))

    assert kept <= 2
    assert most <= 5


def test_db_query_timeout_seconds_ends_a_long_statement(built: Built) -> None:
    application = built(DB_QUERY_TIMEOUT_SECONDS=1)

    with (
        application.base.engine.connect() as connection,
        pytest.raises(OperationalError, match="statement timeout"),
    ):
        connection.execute(text("SELECT pg_sleep(10)"))


@pytest.mark.parametrize(("threshold", "expected"), [(10, ["query.slow"]), (60_000, [])])
def test_slow_query_threshold_ms_decides_what_is_logged(
    built: Built, threshold: int, expected: list[str]
) -> None:
    application = built(SLOW_QUERY_THRESHOLD_MS=threshold)

    with capture_logs() as events, application.base.engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.03)"))

    assert [event["event"] for event in events if event["event"] == "query.slow"] == expected


def test_redis_pool_size_bounds_the_connections(built: Built) -> None:
    assert built(REDIS_POOL_SIZE=4).base.cache.connection_pool.max_connections == 4


@pytest.mark.parametrize(("warm", "expected"), [("true", ["universe.loaded"]), ("false", [])])
def test_warm_cache_on_startup_loads_the_universe_before_it_is_asked_for(
    built: Built, warm: str, expected: list[str]
) -> None:
    with capture_logs() as events:
        built(WARM_CACHE_ON_STARTUP=warm)

    assert [event["event"] for event in events] == expected


@pytest.mark.parametrize(
    ("role", "warm", "asks"),
    [
        ("greeks-0", "true", True),
        ("greeks-1", "true", False),
        ("orders-0", "true", False),
        ("greeks-0", "false", False),
    ],
)
def test_warm_cache_on_startup_asks_for_the_greeks_that_nobody_has_published(
    built: Built, role: str, warm: str, *, asks: bool
) -> None:
    application = built(WARM_CACHE_ON_STARTUP="false")
    Market.open(application)
    application.base.broker.delete("greeks")

    built(role, WARM_CACHE_ON_STARTUP=warm).base.dispatcher.close()

    assert (application.base.broker.llen("greeks") > 0) is asks
