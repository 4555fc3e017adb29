"""One look at the whole system: lanes, processes, traffic, the age of Greeks, alerts."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from angel_x.adapters.active_tasks import active_tasks
from angel_x.adapters.metrics import metrics_directory
from angel_x.adapters.metrics.traffic import Traffic, between, read_counts
from angel_x.domain.operations.alert import RaisedAlert, Severity, raised
from angel_x.domain.operations.machine import QueueStatus, RoleStatus
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.flower import worker_page
from angel_x.entrypoints.metrics import sources
from angel_x.entrypoints.readings import read_sources
from config.celery_options import celery_options
from config.queues import WORKER_QUEUES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from angel_x.adapters.metrics.collector import Reading
    from angel_x.bootstrap import Application
    from angel_x.domain.operations.proof import Proof
    from angel_x.services.controls.live_trading import LiveStatus

#: At most, for the answers of workers; one that is stopped or busy starting gives none.
_ASKING_SECONDS = 1.0
_MEGABYTE = 1024 * 1024
#: Of this command.
_OWN_ROLE = "cli"


@dataclass(frozen=True, slots=True)
class Status:
    #: Whether no critical alert is raised.
    is_well: bool
    #: The trading mode; None where the database is away.
    trading: LiveStatus | None
    alerts: tuple[RaisedAlert, ...]
    queues: tuple[QueueStatus, ...]
    roles: tuple[RoleStatus, ...]
    #: Tasks that run now, by worker and name, of the workers that answered.
    running: dict[str, dict[str, int]]
    #: Their pages in Flower.
    pages: dict[str, str]
    traffic: Traffic
    #: None where nothing trades.
    greeks_age_seconds: float | None
    #: Of the invariants; empty where the database is away.
    proofs: tuple[Proof, ...]
    #: Metrics that could not be read.
    unread: tuple[str, ...]


def read_status(application: Application, *, seconds: float) -> Status:
    """Return the status, with the traffic of the next ``seconds``; a server may be away."""
    directory = metrics_directory(application.base.settings.home_path)
    before, started = read_counts(directory), perf_counter()
    wanted = sources(application)
    readings = read_sources(wanted)
    has_broker = readings.get(Metric.SERVER_UP, {}).get("broker")
    running = running_tasks(application, min(_ASKING_SECONDS, seconds)) if has_broker else {}
    sleep(max(0.0, seconds - (perf_counter() - started)))
    traffic = between(before, read_counts(directory), perf_counter() - started)
    alerts = tuple(raised(readings))
    is_known = Metric.TRADING_MODE in readings
    return Status(
        is_well=all(alert.severity is not Severity.CRITICAL for alert in alerts),
        trading=application.live.trading.status() if is_known else None,
        alerts=alerts,
        queues=queues_of(readings),
        roles=roles_of(readings),
        running=running,
        pages={worker: worker_page(application.base.settings, worker) for worker in running},
        traffic=traffic,
        proofs=_proofs(application, readings),
        greeks_age_seconds=readings.get(Metric.GREEKS_AGE_SECONDS, {}).get(""),
        unread=tuple(source.metric for source in wanted if source.metric not in readings),
    )


def _proofs(application: Application, readings: Mapping[Metric, Reading]) -> tuple[Proof, ...]:
    has_proofs = Metric.PROOF_AGE_SECONDS in readings
    return tuple(application.operations.proofs.state()) if has_proofs else ()


def running_tasks(application: Application, seconds: float) -> dict[str, dict[str, int]]:
    """Return the tasks that run now, by worker and name, of the workers that answer in time."""
    found = active_tasks(celery_options(application.base.settings), seconds=seconds)
    return {worker: dict(tasks) for worker, tasks in found.items()}


def queues_of(readings: Mapping[Metric, Reading]) -> tuple[QueueStatus, ...]:
    """Return depth and age of every queue."""
    oldest = readings.get(Metric.QUEUE_OLDEST_SECONDS, {})
    heard = readings.get(Metric.CANARY_AGE_SECONDS, {})
    return tuple(
        QueueStatus(queue, int(depth), oldest.get(queue, 0.0), heard.get(queue))
        for queue, depth in readings.get(Metric.QUEUE_DEPTH, {}).items()
    )


def roles_of(readings: Mapping[Metric, Reading]) -> tuple[RoleStatus, ...]:
    """Return number and memory of the processes of every class."""
    resident = readings.get(Metric.WORKER_RESIDENT_BYTES, {})
    largest: dict[str, float] = {}
    for process, size in resident.items():
        # A process reports as ``node/role-number``.
        role = process.rpartition("/")[2].partition("-")[0]
        largest[role] = max(largest.get(role, 0.0), size)
    return tuple(
        RoleStatus(
            role,
            int(count),
            tuple(sorted(WORKER_QUEUES.get(role, ()))),
            round(largest[role] / _MEGABYTE, 1) if role in largest else None,
        )
        for role, count in sorted(readings.get(Metric.PROCESSES, {}).items())
        if role != _OWN_ROLE
    )
