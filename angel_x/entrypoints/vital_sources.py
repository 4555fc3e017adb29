"""Readings that say whether processes run, servers answer and room is left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from angel_x.adapters.metrics import metrics_directory
from angel_x.adapters.metrics.collector import Reading, Source
from angel_x.adapters.metrics.slots import living
from angel_x.adapters.postgres.server_state import read_state
from angel_x.adapters.redis.memory_ratio import memory_ratio
from angel_x.bootstrap import TRANSIENT
from angel_x.domain.operations.metric import Metric
from config.worker_processes import worker_classes

if TYPE_CHECKING:
    from angel_x.bootstrap import Foundation

log = structlog.get_logger()

#: Roles that a system needs beside its workers.
_ROLES = ("api", "relay", "feed")


def vital_sources(base: Foundation) -> list[Source]:
    """Return the sources of the machine and the servers."""
    home = base.settings.home_path
    # In pods each process says itself that it lives.
    shared = (
        []
        if base.settings.own_metrics_port
        else [Source(Metric.PROCESSES, partial(_processes, base))]
    )
    return [
        *shared,
        Source(Metric.DB_CONNECTIONS_RATIO, lambda: {"": _connections_used(base)}),
        Source(Metric.SERVER_UP, lambda: _servers_up(base)),
        Source(Metric.REDIS_MEMORY_RATIO, lambda: _memory_ratios(base)),
        Source(Metric.DISK_FREE_RATIO, lambda: {"": _free_part(home)}),
    ]


def _processes(base: Foundation) -> Reading:
    needed = dict.fromkeys((*_ROLES, *worker_classes(base.settings)), 0)
    return needed | living(metrics_directory(base.settings.home_path))


def _servers_up(base: Foundation) -> Reading:
    asked: dict[str, Callable[[], object]] = {
        "database": lambda: base.engine.connect().close(),
        "broker": base.broker.ping,
        "cache": base.cache.ping,
    }
    return {server: _answers(server, ask) for server, ask in asked.items()}


def _answers(server: str, ask: Callable[[], object]) -> bool:
    try:
        ask()
    except TRANSIENT as error:
        log.warning("server.away", server=server, error=str(error))
        return False
    return True


def _memory_ratios(base: Foundation) -> Reading:
    return {"broker": memory_ratio(base.broker), "cache": memory_ratio(base.cache)}


def _connections_used(base: Foundation) -> float:
    state = read_state(base.engine)
    return state.connected / (state.max_connections - state.reserved)


def _free_part(home: Path) -> float:
    usage = shutil.disk_usage(home)
    return usage.free / usage.total
