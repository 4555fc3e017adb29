"""A load on each rival, one after the other, with the rows that a system wrote for it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2

from angel_x.adapters.servers import RunningServers
from benchmarks.bare.books import open_books
from benchmarks.bare.written import Written, select
from benchmarks.cpu import between, cpu_seconds
from benchmarks.load import wait_until
from benchmarks.measured import Measured, measured
from benchmarks.rivals.booking import BROKER_URL, DATABASE_URL, ROWS

#: The programs of each rival, as many workers as Angel-X has processes for orders.
_WORKERS = {
    "dramatiq": ["-m dramatiq benchmarks.rivals.on_dramatiq --processes 2 --threads 4"],
    "procrastinate": [
        "-m procrastinate --app benchmarks.rivals.on_procrastinate.app worker --concurrency 4"
    ]
    * 2,
    "dbos": ["-m benchmarks.rivals.on_dbos"] * 2,
}
NAMES = tuple(_WORKERS)
_WARM_UP = 100


def missing() -> list[str]:
    """Return the names of those rivals that are not installed."""
    return [name for name in NAMES if find_spec(name) is None]


def measure(servers: RunningServers, name: str, url: str, written: Written) -> Measured:
    """Run a rival over an empty database that has the tables; return its result."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        open_books(connection, written)

        def await_orders(count: int) -> None:
            wait_until(
                lambda: select(connection, "SELECT count(*) FROM orders")[0][0] >= count,
                600,
                name,
                every=0.1,
            )

        with _processes(servers, name, url, written) as (enqueuing, pids):
            _send(enqueuing, 0, _WARM_UP)
            await_orders(_WARM_UP)
            roots = [*pids, *servers.pids().values()]
            before, started = cpu_seconds(roots), time.monotonic()
            _send(enqueuing, _WARM_UP, len(written.orders))
            await_orders(len(written.orders))
            seconds, cpu = time.monotonic() - started, between(before, cpu_seconds(roots))
    return measured(seconds, cpu, orders=len(written.orders) - _WARM_UP)


@contextmanager
def _processes(
    servers: RunningServers, name: str, url: str, written: Written
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Yield the process that puts messages on the queue, and the ids of all processes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        (folder / "rows").write_bytes(pickle.dumps(written))
        environ = {
            **os.environ,
            DATABASE_URL: url,
            BROKER_URL: servers.urls.broker_redis_url,
            ROWS: str(folder / "rows"),
        }
        command = [sys.executable, "-m", "benchmarks.rivals.enqueue", name]
        enqueuing = subprocess.Popen(
            command, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        stack.callback(_stop, enqueuing)
        _await_line(enqueuing)
        workers = []
        for arguments in _WORKERS[name]:
            command = [sys.executable, *arguments.split()]
            worker = subprocess.Popen(
                command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(_stop, worker)
            workers.append(worker.pid)
        yield enqueuing, [enqueuing.pid, *workers]


def _send(enqueuing: subprocess.Popen[str], start: int, stop: int) -> None:
    assert enqueuing.stdin is not None
    print(start, stop, file=enqueuing.stdin, flush=True)
    _await_line(enqueuing)


def _await_line(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    if not process.stdout.readline():
        raise RuntimeError(f"{process.args!r} ended with {process.wait()}")


def _stop(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
