"""The bare loop over one connection."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import psutil
import psycopg2

from benchmarks.bare.books import Books, open_books
from benchmarks.bare.written import Written, count_rows, select
from benchmarks.measured import Measured, measured

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a small name


#: Requests of one account over two connections may be decided in another order than their ids; a
#: position that is still open then goes on in its row.
_MOST_SHARED_POSITIONS = 0.01


def replay(url: str, written: Written, batch: int) -> Measured:
    """Write the rows of a load to a fresh database, ``batch`` orders a statement.

    CPU is that of the loop and of its backend.

    Raises:
        RuntimeError: It has not written as many rows as the system did; of positions, one in a
            hundred may be missing on either side.
    """
    with closing(psycopg2.connect(url)) as connection:
        open_books(connection, written)
        connection.autocommit = True
        books = Books(connection, written)
        backend = psutil.Process(connection.info.backend_pid)
        before, started = _used(backend), time.monotonic()
        for order_ids in _batches(books.order_ids, batch):
            books.store(order_ids)
            books.book(books.claim(order_ids, begin=True), commit=True)
        seconds, after = time.monotonic() - started, _used(backend)
        _compare(connection, written, books.order_ids)
    cpu = {name: after[name] - before[name] for name in after}
    return measured(seconds, cpu, orders=len(written.orders))


def _batches(order_ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(order_ids), size):
        yield order_ids[start : start + size]


def _used(backend: psutil.Process) -> dict[str, float]:
    times = backend.cpu_times()
    return {"loop": time.process_time(), "postgres": times.user + times.system}


def _compare(connection: Connection, written: Written, order_ids: Sequence[int]) -> None:
    orders = int(select(connection, "SELECT count(*) FROM orders")[0][0])
    counts = {"orders": orders} | count_rows(connection, written.opening, order_ids)
    if not _are_equal(counts, written.counts):
        raise RuntimeError(f"the bare loop wrote {counts}, the system {dict(written.counts)}")


def _are_equal(counts: Mapping[str, int], expected: Mapping[str, int]) -> bool:
    off = {table for table in {*counts, *expected} if counts.get(table) != expected.get(table)}
    positions = [side.get("positions", 0) for side in (counts, expected)]
    allowed = _MOST_SHARED_POSITIONS * max(positions)
    return off <= {"positions"} and max(positions) - min(positions) <= allowed
