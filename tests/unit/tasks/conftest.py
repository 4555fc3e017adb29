"""The tasks of a worker, imported into this process without leaving a trace in it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import billiard.pool
import kombu.transport
import pytest
from celery import Celery, _state
from celery.worker.control import Panel

from tests.builders.environs import environ_of
from tests.builders.recorders import RecordingMeter

NOWHERE = "redis://127.0.0.1:1/0"


@dataclass
class Calls:
    """An application that notes what is asked of it and does nothing."""

    made: list[tuple[object, ...]] = field(default_factory=list)
    path: str = ""

    def __getattr__(self, name: str) -> Calls:
        return Calls(self.made, f"{self.path}.{name}".lstrip("."))

    def __call__(self, *args: object, **options: object) -> dict[str, object]:
        self.made.append((self.path, *args, *options.values()))
        return {}


@pytest.fixture(scope="session")
def tasks_app() -> Iterator[Celery]:
    """The app of the workers; neither kombu nor Celery knows of it outside these tests."""
    with pytest.MonkeyPatch.context() as patch, _forgotten():
        environ = environ_of("postgresql://127.0.0.1:1/none", NOWHERE, NOWHERE)
        for name, value in environ.items():
            patch.setenv(name, value)
        module = importlib.import_module("tasks.app")
        for name in module.TASK_MODULES:
            importlib.import_module(name)
        module.app.finalize()
    yield module.app
    module.app.close()


@contextmanager
def _forgotten() -> Iterator[None]:
    transports = dict(kombu.transport.TRANSPORT_ALIASES)
    patience = billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT
    current = _state._tls.current_app
    commands = Panel.data
    try:
        yield
    finally:
        kombu.transport.TRANSPORT_ALIASES.update(transports)
        billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = patience
        _state._set_current_app(current)
        Panel.data = commands


@pytest.fixture
def runtime(tasks_app: Celery) -> Any:
    """The module that holds what the tasks of a process run with."""
    return importlib.import_module("tasks.runtime")


@pytest.fixture
def meter(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> RecordingMeter:
    """What the process has counted."""
    meter = RecordingMeter()
    monkeypatch.setattr(runtime, "meter", lambda: meter)
    return meter


@pytest.fixture
def calls(runtime: Any, monkeypatch: pytest.MonkeyPatch, meter: RecordingMeter) -> Calls:
    """What was asked of the application of the process."""
    calls = Calls()
    monkeypatch.setattr(runtime, "current", lambda: calls)
    return calls
