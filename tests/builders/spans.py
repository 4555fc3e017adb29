"""A tracer whose spans are kept in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from angel_x.adapters.tracing.process_tracer import ProcessTracer


@dataclass
class SpanMemory:
    """The spans that have ended."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = ProcessTracer(provider)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (span,) = (span for span in self.spans if span.name == name)
        return span

    @property
    def tree(self) -> list[tuple[str, str | None]]:
        """Return the name of each span and of its parent, in the order in which they ended."""
        names = {span_id(span): span.name for span in self.spans}
        return [
            (
                span.name,
                None if span.parent is None else names.get(span.parent.span_id, "elsewhere"),
            )
            for span in self.spans
        ]

    def links(self, name: str) -> set[int]:
        """Return the ids of the spans to which a span is linked."""
        return {link.context.span_id for link in self.named(name).links}

    @property
    def attributes(self) -> str:
        """Return everything that the spans say, as text."""
        return " ".join(span.to_json() for span in self.spans)


def span_id(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def trace_id(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.trace_id)
