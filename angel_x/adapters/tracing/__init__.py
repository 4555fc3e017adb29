"""Traces of a process, in the form of OpenTelemetry; nothing of it is imported where they are off."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from angel_x.adapters.tracing.exporting import Lost
    from angel_x.adapters.tracing.process_tracer import ProcessTracer
    from config.settings import Settings


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
