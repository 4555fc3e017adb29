"""Capacity: the settings against the machine, and against the limits of the servers."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil

from angel_x.adapters.postgres import server_state as postgres
from angel_x.adapters.redis import server_state as redis
from angel_x.domain.operations.check import Check, CheckStatus, Measured
from angel_x.domain.operations.review import hints
from angel_x.entrypoints.doctor.subject import BROKER, CACHE
from config.worker_processes import worker_classes, worker_processes

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from config.settings import Settings

_MEGABYTE = 1024 * 1024
_THREADS_A_CORE = 4
#: Connections to the database of a process that is not the API; see ``bootstrap.foundation``.
_WORKER_CONNECTIONS = 4
#: Relay, feed and exporter.
_OTHER_PROCESSES = 3
#: Files of an API process beside its connections: logs, metrics, sockets of its servers.
_OTHER_FILES = 200
_WARNING = CheckStatus.WARNING


def machine_checks(app: Application) -> Iterator[Check]:
    """Yield the limits of this machine, which no server is asked for."""
    settings = app.base.settings
    cores = os.cpu_count() or 1
    yield Check.of_limit(
        "threads of the API",
        Measured(settings.thread_pool_size, _THREADS_A_CORE * cores, "threads"),
        detail=f"{_THREADS_A_CORE} for each of {cores} cores",
        fix="Unset ANGEL_X_THREAD_POOL_SIZE, or set it to the limit.",
        otherwise=_WARNING,
    )
    yield Check.of_limit(
        "open files",
        Measured(
            _open_files(), settings.api_max_connections + _OTHER_FILES, "files", is_floor=True
        ),
        detail="of a process started from here, for ANGEL_X_API_MAX_CONNECTIONS",
        fix="Raise it: `ulimit -n`, LimitNOFILE of systemd, ulimits of compose.",
        otherwise=_WARNING,
    )
    yield Check.of_limit(
        "memory of the workers",
        Measured(
            round(workers(settings) * settings.memory_hard_limit_mb / 1024, 1),
            round(psutil.virtual_memory().total / _MEGABYTE / 1024, 1),
            "GB",
        ),
        detail="all worker processes at ANGEL_X_MEMORY_HARD_LIMIT_MB",
        fix="Run fewer workers on this machine, or lower ANGEL_X_MEMORY_HARD_LIMIT_MB.",
        otherwise=_WARNING,
    )


def database_checks(app: Application) -> Iterator[Check]:
    """Yield the connections of one machine against those that PostgreSQL allows."""
    settings, name = app.base.settings, "connections to the database"
    state = postgres.read_state(app.base.engine)
    if settings.pools_transactions:
        yield Check.passed(name, "a pooler shares them out")
        return
    yield Check.of_limit(
        name,
        Measured(connections(settings), state.max_connections - state.reserved, "connections"),
        detail=f"all pools of one machine, full; {state.connected} are open now",
        fix="Raise max_connections, lower ANGEL_X_DB_MAX_POOL_SIZE, or put pgbouncer before the server.",
    )


def redis_checks(app: Application) -> Iterator[Check]:
    """Yield the clients of one machine against those that each Redis allows."""
    settings = app.base.settings
    most = (workers(settings) + _OTHER_PROCESSES + 1) * settings.redis_pool_size
    for server, client in ((BROKER, app.base.broker), (CACHE, app.base.cache)):
        state = redis.read_state(client)
        yield Check.of_limit(
            f"clients of the {server}",
            Measured(most, state.max_clients or most, "clients"),
            detail=f"all pools of one machine, full; {state.connected} are open now",
            fix="Raise maxclients, or lower ANGEL_X_REDIS_POOL_SIZE.",
            otherwise=_WARNING,
        )


def load_checks(app: Application) -> Iterator[Check]:
    """Yield whether queues, pools and processes have room for the load of now."""
    found = list(hints(app.operations.reviews.load()))
    yield Check.of_fault(
        "pools and workers fit the load",
        "; ".join(found) or None,
        detail="no queue waits, and no pool or process is nearly full",
        fix="Follow the advice, and compare with `angel-x reports`.",
        otherwise=_WARNING,
    )


def workers(settings: Settings) -> int:
    """Return the number of worker processes of one machine."""
    return sum(worker_processes(kind, settings) for kind in worker_classes(settings))


def connections(settings: Settings) -> int:
    """Return the most connections to the database of one machine with one API process."""
    each = min(_WORKER_CONNECTIONS, settings.db_max_pool_size)
    return settings.db_max_pool_size + each * (workers(settings) + _OTHER_PROCESSES)


def _open_files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 2**31
