"""Prometheus metrics of many processes on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import structlog

from angel_x.adapters.metrics.meter import NullMeter, PrometheusMeter
from angel_x.adapters.metrics.slots import metrics_directory, wipe

__all__ = ["NullMeter", "PrometheusMeter", "make_meter", "metrics_directory", "wipe"]

log = structlog.get_logger()


class MeterSettings(Protocol):
    @property
    def metrics_enabled(self) -> bool: ...
    @property
    def home_path(self) -> Path: ...
    @property
    def node(self) -> str: ...


def make_meter(settings: MeterSettings, role: str) -> PrometheusMeter | NullMeter:
    """Return the meter of this process; call it once a process, after any fork.

    Where the disk has no room for its files the process works without metrics.
    """
    if not settings.metrics_enabled:
        return NullMeter()
    try:
        return PrometheusMeter(metrics_directory(settings.home_path), settings.node, role)
    except OSError as error:
        log.error("metrics.unrecorded", role=role, reason=str(error))  # noqa: TRY400 - the reason says it
        return NullMeter()
