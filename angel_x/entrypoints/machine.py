"""The state of the machine for operators who look at it from afar."""

from __future__ import annotations

from math import isfinite
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from angel_x.adapters.children.listening import reachable
from angel_x.bootstrap import TRANSIENT
from angel_x.domain.operations.alert import raised
from angel_x.domain.operations.machine import (
    MachineAlert,
    MachineState,
    ProcessMemory,
    ScheduledTask,
)
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints import flower
from angel_x.entrypoints.metrics import sources
from angel_x.entrypoints.readings import read_sources
from angel_x.entrypoints.status import queues_of, roles_of, running_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from angel_x.adapters.metrics.collector import Reading
    from angel_x.bootstrap import Application
    from config.settings import Settings

    _Answer = TypeVar("_Answer")

#: Seconds for which a look counts, whatever the number of operators.
_FRESH_SECONDS = 2.0
#: For the answers of workers.
_ASKING_SECONDS = 0.5
#: Connections to the database that a look uses at a time: the others are for orders.
_THREADS = 2


class MachineReader:
    """Looks at the system for all who ask within two seconds; threads may share it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lock = Lock()
        self._state: MachineState | None = None
        self._read_at = 0.0

    def read(self) -> MachineState:
        """Return the last look, a new one where it is older than two seconds."""
        with self._lock:
            if self._state is None or monotonic() - self._read_at > _FRESH_SECONDS:
                self._state, self._read_at = _read(self._application), monotonic()
            return self._state


def links(settings: Settings) -> dict[str, str]:
    """Return the addresses of other pages for operators, by name."""
    api = f"http://{reachable(settings.api_host)}:{settings.api_port}"
    found = {"Flower": flower.address(settings), "API documentation": f"{api}/docs"}
    return found | ({"Grafana": settings.grafana_url} if settings.grafana_url else {})


def _read(application: Application) -> MachineState:
    wanted = sources(application)
    readings = read_sources(wanted, threads=_THREADS)
    has_broker = readings.get(Metric.SERVER_UP, {}).get("broker")
    operations = application.operations
    return MachineState(
        read_at=application.base.clock(),
        alerts=_alerts(readings),
        queues=queues_of(readings),
        roles=roles_of(readings),
        processes=_unless_away(lambda: _processes(application), ()),
        running=running_tasks(application, _ASKING_SECONDS) if has_broker else {},
        timings=_unless_away(operations.timings.all, {}),
        greeks_age_seconds=_finite(readings.get(Metric.GREEKS_AGE_SECONDS, {}).get("")),
        marks_age_seconds=_finite(readings.get(Metric.MARGIN_MARK_AGE_SECONDS, {}).get("")),
        schedule=_unless_away(lambda: _schedule(application), ()),
        proofs=_unless_away(lambda: tuple(operations.proofs.state()), ()),
        parked_orders=_whole(readings.get(Metric.PARKED_ORDERS, {}).get("")),
        links=links(application.base.settings),
        unread=tuple(source.metric for source in wanted if source.metric not in readings),
    )


def _unless_away(read: Callable[[], _Answer], otherwise: _Answer) -> _Answer:
    """Return an answer; another one while its server is away, which an alert tells."""
    try:
        return read()
    except TRANSIENT:
        return otherwise


def _alerts(readings: Mapping[Metric, Reading]) -> tuple[MachineAlert, ...]:
    return tuple(
        MachineAlert(
            alert=each.alert,
            severity=each.severity,
            subject=each.subject,
            value=_finite(each.value),
            limit=each.limit,
        )
        for each in raised(readings)
    )


def _processes(application: Application) -> tuple[ProcessMemory, ...]:
    now = application.base.clock().timestamp()
    return tuple(
        ProcessMemory(
            process=report.process,
            pid=report.pid,
            current_mb=round(report.current_mb, 1),
            delta_mb=round(report.delta_mb, 1),
            age_seconds=round(max(0.0, now - report.seen_at), 1),
        )
        for report in application.operations.memory.reports()
    )


def _schedule(application: Application) -> tuple[ScheduledTask, ...]:
    return tuple(
        ScheduledTask(
            name=entry.name,
            task=entry.task,
            last_run_at=entry.last_run_at,
            next_run_at=entry.next_run_at,
            late_seconds=_finite(entry.late_seconds),
        )
        for entry in application.operations.schedule.turns()
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
