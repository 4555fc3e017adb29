from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from angel_x.adapters.tracing.exporting import Export, SpanFile
from angel_x.adapters.tracing.process_tracer import ProcessTracer

MOST = 4


class Collector(SpanExporter):
    """Takes no span before its gate opens, and then answers as it is told to."""

    def __init__(self, answer: SpanExportResult | Exception = SpanExportResult.SUCCESS) -> None:
        self.answer = answer
        self.gate = threading.Event()
        self.asked = threading.Event()
        self.taken: list[str] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.gate.wait(120)
        if isinstance(self.answer, Exception):
            raise self.answer
        self.taken += [span.name for span in spans]
        return self.answer

    def shutdown(self) -> None:
        self.gate.set()


class Losses:
    def __init__(self) -> None:
        self.counted: list[tuple[int, str]] = []

    def __call__(self, spans: int, reason: str) -> None:
        self.counted.append((spans, reason))


def tracer_to(exporter: SpanExporter, losses: Losses) -> ProcessTracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Export(exporter, losses, most_waiting=MOST))
    return ProcessTracer(provider)


def end(tracer: ProcessTracer, *names: str) -> None:
    for name in names:
        with tracer.span(name):
            pass


def test_a_span_for_which_there_is_no_room_is_dropped_and_counted() -> None:
    collector, losses = Collector(), Losses()
    tracer = tracer_to(collector, losses)
    first = [f"first {place}" for place in range(MOST)]
    end(tracer, *first)
    # The collector holds the first ones, which wait no more.
    assert collector.asked.wait(120)

    end(tracer, "5th", "6th", "7th", "8th", "9th", "10th")

    assert losses.counted == [(1, "full"), (1, "full")]
    collector.gate.set()
    tracer.close(120)
    assert collector.taken == [*first, "5th", "6th", "7th", "8th"]


@pytest.mark.parametrize("answer", [SpanExportResult.FAILURE, OSError("no space left")])
def test_spans_that_the_destination_does_not_take_are_counted(
    answer: SpanExportResult | Exception,
) -> None:
    collector, losses = Collector(answer), Losses()
    collector.gate.set()
    tracer = tracer_to(collector, losses)

    end(tracer, "one", "two")
    tracer.close(120)

    assert sum(spans for spans, _ in losses.counted) == 2
    assert {reason for _, reason in losses.counted} == {"export"}


def test_a_collector_that_does_not_answer_delays_no_span_and_the_end_only_briefly() -> None:
    collector = Collector()
    tracer = tracer_to(collector, Losses())

    end(tracer, *map(str, range(1000)))
    started = monotonic()
    tracer.close(0.05)

    assert monotonic() - started < 60
    assert collector.taken == []
    collector.gate.set()


def test_a_file_has_one_object_a_line_and_is_begun_anew_where_it_was_moved(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "spans.jsonl"
    for name in ("first", "second"):
        tracer = tracer_to(SpanFile(file), Losses())
        end(tracer, name, "another")
        tracer.close(120)
    file.rename(tmp_path / "older.jsonl")
    tracer = tracer_to(SpanFile(file), Losses())
    end(tracer, "third")
    tracer.close(120)

    older = (tmp_path / "older.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in older] == [
        "first",
        "another",
        "second",
        "another",
    ]
    assert [json.loads(line)["name"] for line in file.read_text().splitlines()] == ["third"]
