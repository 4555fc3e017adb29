"""The tracer of one process, on the SDK of OpenTelemetry."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from angel_x.adapters.tracing.exporting import Export, Lost, SpanFile
from angel_x.domain.operations.span import TRACEPARENT, SpanKind

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from config.settings import Settings

#: Seconds in which the collector takes a batch, further attempts included.
_COLLECTOR_SECONDS = 5.0
#: Seconds that a stopping process gives its last spans.
_CLOSE_SECONDS = 2.0
_KINDS: Mapping[SpanKind, trace.SpanKind] = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}
_W3C = TraceContextTextMapPropagator()


class OtelSpan:
    """A span of OpenTelemetry."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    @property
    def is_recorded(self) -> bool:
        return self._span.is_recording()

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, name: str, value: str | int | Sequence[str]) -> None:
        self._span.set_attribute(name, value)

    def link(self, traceparent: str) -> None:
        for context in _contexts([traceparent]):
            self._span.add_link(context)

    def fail(self, reason: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, reason))


class ProcessTracer:
    """Makes spans.  It belongs to the process that made it."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("angel_x")

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = "internal",
        parent: str | None = None,
        links: Sequence[str] = (),
    ) -> Iterator[OtelSpan]:
        opened = self._tracer.start_as_current_span(
            name,
            context=None if parent is None else _context(parent),
            kind=_KINDS[kind],
            links=[Link(context) for context in _contexts(links)],
            # The text of an error may hold a parameter of a statement.
            record_exception=False,
            set_status_on_exception=False,
        )
        with opened as span:
            made = OtelSpan(span)
            try:
                yield made
            except BaseException as error:
                made.fail(type(error).__name__)
                raise

    def current(self) -> OtelSpan | None:
        span = trace.get_current_span()
        return OtelSpan(span) if span.get_span_context().is_valid else None

    def timed(
        self, name: str, seconds: float, attributes: Sequence[tuple[str, str]], *, failed: bool
    ) -> None:
        ended = time.time_ns()
        span = self._tracer.start_span(
            name,
            kind=trace.SpanKind.CLIENT,
            attributes=dict(attributes),
            start_time=ended - int(seconds * 1e9),
        )
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)

    def close(self, seconds: float = _CLOSE_SECONDS) -> None:
        """Export the last spans; those that a destination does not take in time are lost."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(seconds)


def process_tracer(settings: Settings, role: str, lost: Lost) -> ProcessTracer:
    """Return a tracer that exports to the destinations of the settings."""
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.traces_ratio)),
        resource=_resource(settings.node, role),
        shutdown_on_exit=False,
    )
    for exporter in _exporters(settings):
        provider.add_span_processor(Export(exporter, lost))
    return ProcessTracer(provider)


def _resource(node: str, role: str) -> Resource:
    """Name the process: children of a worker are instances of one service."""
    return Resource.create(
        {
            "service.namespace": "angel-x",
            "service.name": f"angel-x-{role.rstrip('0123456789').rstrip('-')}",
            "service.instance.id": f"{node}/{role}",
        }
    )


def _exporters(settings: Settings) -> Iterator[SpanExporter]:
    if settings.traces_url is not None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - slow to import
            OTLPSpanExporter,
        )

        yield OTLPSpanExporter(endpoint=settings.traces_url, timeout=_COLLECTOR_SECONDS)
    if settings.traces_file is not None:
        yield SpanFile(settings.home_path / settings.traces_file)


def _context(traceparent: str) -> Context:
    """Return the context of a header; without a span where it is malformed."""
    return _W3C.extract({TRACEPARENT: traceparent}, context=Context())


def _contexts(traceparents: Sequence[str]) -> list[SpanContext]:
    found = (trace.get_current_span(_context(each)).get_span_context() for each in traceparents)
    return [context for context in found if context.is_valid]
