"""Rows in and rows out: rows stored together and one by one, and the memory of large exports.

``python -m benchmarks.records [--inserts N] [--rows N] [--json FILE]``.  One process, real servers.  Orders
are accepted, and Greeks stored, in one statement, and then as many in one each with a commit of its own; the
ratio is that of their times.  An order is validated and made ready besides, which no statement shortens.
An export writes so many fills to a file in each format; the memory is the largest resident size beyond
that before, after a small export of the same format.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from angel_x.adapters.postgres.greeks_snapshot import PostgresGreeksSnapshots
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


def measure_inserts(application: Application, count: int) -> list[dict[str, object]]:
    """Return milliseconds of ``count`` rows together and one by one, and the ratio."""
    return [_inserts(kind, count, store) for kind, store in stores(application).items()]


def stores(application: Application) -> dict[str, Callable[[Sequence[str]], object]]:
    """Return for each kind of row a function that stores rows of these names in one transaction."""
    snapshots = PostgresGreeksSnapshots(application.base.engine)
    return {"greeks": partial(_keep_greeks, snapshots), "orders": _accepting(application)}


def _inserts(kind: str, count: int, store: Callable[[Sequence[str]], object]) -> dict[str, object]:
    # The first statements are planned, and connections made.
    store([f"{kind} warm"])
    started = time.perf_counter()
    store([f"{kind} together {n}" for n in range(count)])
    together = time.perf_counter() - started
    started = time.perf_counter()
    for n in range(count):
        store([f"{kind} alone {n}"])
    alone = time.perf_counter() - started
    return {
        "rows": kind,
        "count": count,
        "together_ms": round(1e3 * together, 1),
        "one_by_one_ms": round(1e3 * alone, 1),
        "ratio": round(alone / together, 1),
    }


def _keep_greeks(snapshots: PostgresGreeksSnapshots, symbols: Sequence[str]) -> None:
    column = np.full(len(symbols), 0.5)
    names = ("implied_vol", "price", "delta", "gamma", "vega", "theta", "rho")
    snapshots.save(symbols, dict.fromkeys(names, column), np.ones(len(symbols), np.int64))


def _accepting(application: Application) -> Callable[[Sequence[str]], object]:
    symbol = listed_universe(application).symbols[0]
    user_id = application.people.accounts.open("inserts", Decimal(10**9)).id

    def accept(names: Sequence[str]) -> object:
        requests = tuple(_request(symbol, name) for name in names)
        return application.intake.acceptance.accept([Submission(user_id, requests)])

    return accept


def measure_exports(application: Application, rows: int) -> list[dict[str, object]]:
    """Return seconds, size and memory of an export of ``rows`` fills in each format."""
    small, large = fills(application, "small", 100), fills(application, "large", rows)
    return [_export(application, small, large, rows, form) for form in ExportFormat]


def fills(application: Application, name: str, count: int) -> int:
    """Open an account with so many fills; return its id."""
    user_id = application.people.accounts.open(name, Decimal(0)).id
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql(_FILLS, {"user": user_id, "count": count})
    return user_id


def _export(
    application: Application, small: int, large: int, rows: int, form: ExportFormat
) -> dict[str, object]:
    write_rows = application.people.exports.write
    with tempfile.TemporaryFile() as file:
        write_rows(small, ExportKind.FILLS, form, file)
        with resident_sizes() as peak:
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
def resident_sizes() -> Iterator[list[int]]:
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
    parser.add_argument("--inserts", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with running_application() as application:
        inserts = measure_inserts(application, options.inserts)
        for row in inserts:
            print(row, flush=True)
        exports = measure_exports(application, options.rows)
        for row in exports:
            print(row, flush=True)
    write(options.json, {"machine": described(), "inserts": inserts, "exports": exports})


if __name__ == "__main__":
    main()
