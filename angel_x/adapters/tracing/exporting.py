"""The way of ended spans out of a process, which never holds up the work that they describe."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

log = structlog.get_logger()

#: Ended spans that wait in one process at most, and those of one export.
MOST_WAITING, _AT_ONCE = 4096, 512
#: Milliseconds between two exports.
_PAUSE = 1000

#: Counts spans that are lost, with the reason.
Lost = Callable[[int, str], None]


class Export(SpanProcessor):
    """Exports spans in batches on a thread of its own.

    A span that ends while ``most_waiting`` others wait is dropped and counted, and so is a batch that the
    destination does not take.
    """

    def __init__(
        self, exporter: SpanExporter, lost: Lost, *, most_waiting: int = MOST_WAITING
    ) -> None:
        self._lost = lost
        self._most_waiting = most_waiting
        self._waiting = 0
        self._counting = threading.Lock()
        self._batches = BatchSpanProcessor(
            _Counted(exporter, self._taken, lost),
            max_queue_size=most_waiting,
            schedule_delay_millis=_PAUSE,
            max_export_batch_size=min(_AT_ONCE, most_waiting),
        )

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled:
            return
        with self._counting:
            is_full = self._waiting >= self._most_waiting
            self._waiting += not is_full
        if is_full:
            self._lost(1, "full")
        else:
            self._batches.on_end(span)

    def shutdown(self) -> None:
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._batches.force_flush(timeout_millis)

    def _taken(self, count: int) -> None:
        with self._counting:
            self._waiting -= count


class _Counted(SpanExporter):
    """Counts the spans that leave the queue, and those that are lost behind it."""

    def __init__(self, exporter: SpanExporter, taken: Callable[[int], None], lost: Lost) -> None:
        self._exporter = exporter
        self._taken = taken
        self._lost = lost

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._taken(len(spans))
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - a destination must not end the thread
            log.warning("spans.unwritten", spans=len(spans), error=type(error).__name__)
        if result is not SpanExportResult.SUCCESS:
            self._lost(len(spans), "export")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class SpanFile(SpanExporter):
    """Appends spans to a file, one JSON object a line.

    The file is opened for each batch, so one that was renamed is begun anew.  Several processes may write
    to the same file: a batch is one write to its end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        lines = "".join(f"{span.to_json(indent=None)}\n" for span in spans)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            file.write(lines.encode())
        return SpanExportResult.SUCCESS
