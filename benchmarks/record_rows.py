"""Rows that are stored one by one and together, and exports that keep all rows and none."""

from __future__ import annotations

import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial

from angel_x.bootstrap import Application
from angel_x.domain.records.export import ExportFormat, ExportKind
from benchmarks.records import fills, stores
from benchmarks.rows import Measure, Row, interleaved

_MEGABYTE = 1 << 20
_ALL_FILLS = "SELECT * FROM fills WHERE user_id = %(user)s ORDER BY id"


def insert_rows(application: Application, rounds: int, count: int) -> list[Row]:
    """Measure rows that are stored one by one, each with a commit, and together."""
    return [_insert_row(kind, rounds, count, store) for kind, store in stores(application).items()]


def _insert_row(
    kind: str, rounds: int, count: int, store: Callable[[Sequence[str]], object]
) -> Row:
    def together(number: int) -> float:
        return _milliseconds(lambda: store([f"{kind} {number} together {n}" for n in range(count)]))

    def one_by_one(number: int) -> float:
        return _milliseconds(lambda: [store([f"{kind} {number} alone {n}"]) for n in range(count)])

    # The first statements are planned, and connections made.
    store([f"{kind} warm"])
    samples = interleaved(rounds, {"one by one": one_by_one, "together": together})
    return Row(
        name=f"insert {count:,} {kind}",
        unit="ms",
        reference="one by one",
        measured="together",
        samples=samples,
    )


def export_rows(application: Application, rounds: int, count: int) -> list[Row]:
    """Measure an export of fills as JSON: all rows in memory, and streamed."""
    user_id = fills(application, f"exports-{count}", count)
    variants = {
        "all in memory": partial(_export_naively, application, user_id),
        "streamed": partial(_export, application, user_id),
    }
    measures = {
        "ms": _milliseconds,
        "MB of Python": _megabytes,
    }
    return [
        Row(
            name=f"export {count:,} fills: {'time' if unit == 'ms' else 'memory'}",
            unit=unit,
            reference="all in memory",
            measured="streamed",
            samples=interleaved(
                rounds, {name: _of(measure, work) for name, work in variants.items()}
            ),
        )
        for unit, measure in measures.items()
    ]


def _of(measure: Callable[[Callable[[], object]], float], work: Callable[[], object]) -> Measure:
    return lambda _: measure(work)


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def _megabytes(work: Callable[[], object]) -> float:
    """Return the largest memory of Python objects during the work."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / _MEGABYTE
    finally:
        tracemalloc.stop()


def _export(application: Application, user_id: int) -> None:
    with tempfile.TemporaryFile() as file:
        application.people.exports.write(user_id, ExportKind.FILLS, ExportFormat.JSON, file)


def _export_naively(application: Application, user_id: int) -> None:
    with application.base.engine.connect() as connection:
        found = connection.exec_driver_sql(_ALL_FILLS, {"user": user_id}).mappings().all()
    with tempfile.TemporaryFile("w") as file:
        json.dump([dict(row) for row in found], file, default=str)
