"""Rows in and rows out: orders stored together and one by one, and the memory of large exports.

``python -m benchmarks.records [--orders N] [--rows N] [--json FILE]``.  One process, real servers.  Orders
are accepted in one transaction, and then as many one after the other; the ratio is that of their times.
An export writes so many fills to a file in each format; the memory is the largest resident size beyond
that before, after a small export of the same format.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import psutil

from angel_x.bootstrap import Application
from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Side, Validity
from angel_x.domain.records.export import ExportFormat, ExportKind
from angel_x.services.intake.acceptance import Submission
from benchmarks.machine import described, write
from benchmarks.matching import listed_universe, running_application

_MEGABYTE = 1 << 20
_SAMPLE_SECONDS = 0.02
_FILLS = """
INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price)
SELECT %(user)s || ' made ' || n, 0, %(user)s, 'NIFTY_25AUG26_24000CE', 'BUY', 65, 100.05
FROM generate_series(1, %(count)s) AS n
"""


def measure_inserts(application: Application, count: int) -> dict[str, float]:
    """Return milliseconds of ``count`` orders together and one by one, and the ratio."""
    symbol = listed_universe(application).symbols[0]
    user_id = application.people.accounts.open("inserts", Decimal(10**9)).id
    accept = application.intake.acceptance.accept
    # The first statements are planned, and connections made.
    accept([Submission(user_id, (_request(symbol, "warm"),))])
    together = tuple(_request(symbol, f"together-{n}") for n in range(count))
    started = time.perf_counter()
    accept([Submission(user_id, together)])
    bulk = time.perf_counter() - started
    started = time.perf_counter()
    for n in range(count):
        accept([Submission(user_id, (_request(symbol, f"alone-{n}"),))])
    alone = time.perf_counter() - started
    return {
        "orders": count,
        "together_ms": round(1e3 * bulk, 1),
        "one_by_one_ms": round(1e3 * alone, 1),
        "ratio": round(alone / bulk, 1),
    }


def measure_exports(application: Application, rows: int) -> list[dict[str, object]]:
    """Return seconds, size and memory of an export of ``rows`` fills in each format."""
    accounts = application.people.accounts
    small, large = (accounts.open(name, Decimal(0)).id for name in ("small", "large"))
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql(_FILLS, {"user": small, "count": 100})
        connection.exec_driver_sql(_FILLS, {"user": large, "count": rows})
    return [_export(application, small, large, rows, form) for form in ExportFormat]


def _export(
    application: Application, small: int, large: int, rows: int, form: ExportFormat
) -> dict[str, object]:
    write_rows = application.people.exports.write
    with tempfile.TemporaryFile() as file:
        write_rows(small, ExportKind.FILLS, form, file)
        with _memory() as peak:
            started = time.perf_counter()
            write_rows(large, ExportKind.FILLS, form, file)
            seconds = time.perf_counter() - started
        return {
            "format": form.value,
            "rows": rows,
            "seconds": round(seconds, 2),
            "file_mb": round(file.tell() / _MEGABYTE, 1),
            "memory_mb": round((max(peak) - peak[0]) / _MEGABYTE, 1),
        }


@contextmanager
def _memory() -> Iterator[list[int]]:
    """Collect resident sizes of this process in bytes, the first one before the work."""
    process, over = psutil.Process(), threading.Event()
    sizes = [process.memory_info().rss]

    def sample() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            sizes.append(process.memory_info().rss)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield sizes
    finally:
        over.set()
        sampler.join()
        sizes.append(process.memory_info().rss)


def _request(symbol: str, name: str) -> OrderRequest:
    return OrderRequest(
        client_order_id=name,
        symbol=symbol,
        side=Side.BUY,
        quantity=65,
        order_type=OrderType.LIMIT,
        limit_price=Decimal("1.00"),
        trigger_price=None,
        validity=Validity.DAY,
        priority=Priority.NORMAL,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with running_application() as application:
        inserts = measure_inserts(application, options.orders)
        print(inserts, flush=True)
        exports = measure_exports(application, options.rows)
        for row in exports:
            print(row, flush=True)
    write(options.json, {"machine": described(), "inserts": inserts, "exports": exports})


if __name__ == "__main__":
    main()
