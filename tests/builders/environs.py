"""The variables of a process under test, and an application that reads them in this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from angel_x.adapters.servers import ServerUrls
from angel_x.bootstrap import Application, build
from config.loading import load

#: More than a test process ever has: what earlier tests have left in it raises no alert.
_NEVER_MB = "100000"


def environ_of(
    database_url: str, broker_url: str, cache_url: str, **settings: str
) -> dict[str, str]:
    """Return the environment of a process on these servers; settings go by their own names."""
    return {
        "ANGEL_X_ENV": "testing",
        "ANGEL_X_DATABASE_URL": database_url,
        "ANGEL_X_BROKER_URL": broker_url,
        "ANGEL_X_CACHE_URL": cache_url,
        "ANGEL_X_MEMORY_ALERT_THRESHOLD_MB": _NEVER_MB,
        "ANGEL_X_MEMORY_HARD_LIMIT_MB": _NEVER_MB,
        # On a busy machine a test outlives its quotes and risk arrays, and its orders would be denied.
        "ANGEL_X_CACHE_TTL_MARKET_DATA": "3600",
        "ANGEL_X_CACHE_TTL_GREEKS": "3600",
        **_variables(settings),
    }


def environ_on(urls: ServerUrls, home: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a system that has these servers for itself."""
    return environ_of(
        urls.database_url,
        urls.broker_redis_url,
        urls.cache_url,
        home=str(home),
        node="test",
        **settings,
    )


@contextmanager
def application_on(
    environ: Mapping[str, str], role: str = "test", **settings: str
) -> Iterator[Application]:
    """Build an application in this process and close it afterwards.

    It writes no metrics: their files belong to a process, and hundreds of applications share this.
    """
    variables = {**environ, **_variables({"metrics_enabled": "false", **settings})}
    with closing(build(load(variables), role=role)) as application:
        yield application


def _variables(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"ANGEL_X_{name.upper()}": value for name, value in settings.items()}
