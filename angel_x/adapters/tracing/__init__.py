"""Traces of a process, in the form of OpenTelemetry; nothing of it is imported where they are off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from structlog.types import Processor

    from angel_x.adapters.tracing.exporting import Lost
    from angel_x.adapters.tracing.process_tracer import ProcessTracer
    from config.settings import Settings


class TraceSwitch(Protocol):
    @property
    def traces_enabled(self) -> bool: ...


def log_processors(settings: TraceSwitch) -> list[Processor]:
    """Return the processors of log events that name the current span, none where traces are off."""
    if not settings.traces_enabled:
        return []
    from angel_x.adapters.tracing.span_ids import add_span_ids  # noqa: PLC0415 - an extra

    return [add_span_ids]


def make_tracer(settings: Settings, role: str, lost: Lost) -> ProcessTracer | None:
    """Return the tracer of this process, None where the settings name no destination.

    It starts a thread, so it is made after a fork.  ``lost`` counts spans that reach no destination.
    """
    if not settings.traces_enabled:
        return None
    from angel_x.adapters.tracing.process_tracer import (  # noqa: PLC0415 - an extra, and slow to import
        process_tracer,
    )

    return process_tracer(settings, role, lost)
