"""The application of the tasks of one process: built once a process, never before a fork."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from billiard import current_process

from angel_x.adapters.fault_points import passing
from angel_x.adapters.metrics import make_meter
from angel_x.bootstrap import TRANSIENT, build
from config.loading import load
from config.settings import Settings

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from angel_x.domain.orders.step import Passing
    from angel_x.services.ports import Meter
    from tasks.consumption import Consumption


@dataclass(slots=True)
class _Process:
    """The application and worker name of one process id."""

    pid: int
    settings: Settings
    #: The worker's name: ``orders`` of ``orders@host``.
    worker: str = "worker"
    application: Application | None = None
    meter: Meter | None = None
    at: Passing | None = None
    consumption: Consumption | None = None

    @property
    def role(self) -> str:
        # billiard gives the place of a dead child to its successor, so the number of names is bounded.
        index = getattr(current_process(), "index", None)
        return role_of(self.worker, index)


#: The exceptions that mean an unavailable server.
OUTAGES = TRANSIENT

_process: _Process | None = None


def role_of(worker: str, index: int | None) -> str:
    """Name a process of a worker: its parent by the worker, a child by its place in the pool."""
    name = worker.partition("@")[0]
    return name if index is None else f"{name}-{index}"


def _mine() -> _Process:
    global _process  # noqa: PLW0603 - this module exists to hold it
    if _process is None or _process.pid != os.getpid():
        worker = _process.worker if _process else "worker"
        _process = _Process(os.getpid(), load(os.environ), worker)
    return _process


def name_worker(worker: str) -> None:
    """Set the worker name of this process, before its application is built."""
    _mine().worker = worker


def settings() -> Settings:
    """Return the settings of this process."""
    return _mine().settings


def role() -> str:
    """Return the name of this process in metrics, reports and log events."""
    return _mine().role


def current() -> Application:
    """Return the application of this process, built on the first call."""
    process = _mine()
    if process.application is None:
        process.application = build(process.settings, role=process.role)
    return process.application


def meter() -> Meter:
    """Return the meter of this process, without building an application in a worker's parent."""
    process = _mine()
    if process.application is not None:
        return process.application.base.meter
    if process.meter is None:
        process.meter = make_meter(process.settings, process.role)
    return process.meter


def at() -> Passing:
    """Return the function to call at each step, without building an application in a worker's parent."""
    process = _mine()
    if process.at is None:
        known = process.settings
        process.at = passing(known.home_path, known.fault_at, known.fault_action)
    return process.at


def prove_consumption(consumption: Consumption) -> None:
    """Have this process, the parent of a worker, prove that it consumes."""
    _mine().consumption = consumption


def consumption() -> Consumption | None:
    """Return the proof of this process, None in one that is no worker's parent."""
    return _mine().consumption


def close() -> None:
    """Close the application of this process, not one inherited from another process."""
    if _process is None or _process.pid != os.getpid() or _process.application is None:
        return
    _process.application.close()
    _process.application = None
