"""The naive backend's processes on servers that run, and the same loads on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers import RunningServers
from benchmarks.cpu import between, cpu_seconds
from benchmarks.load import Load, Request, Streams, post, send_all, wait_until
from benchmarks.measured import Measured, measured
from benchmarks.system import CASH, answers

_PORT = 18_321
_URL = f"http://127.0.0.1:{_PORT}"
_ACCOUNTS = 8
_SYMBOLS = tuple(f"NIFTY_C{n}" for n in range(1, 17))
_CONTRACTS = """
INSERT INTO contracts SELECT 'NIFTY_C' || n, 'NIFTY', '2030-01-01', n, 'CE', 65, 0.05, 1800,
    '2030-01-01' FROM generate_series(1, 16) n
"""
_TIMES = """
SELECT EXTRACT(EPOCH FROM max(closed_at) - min(accepted_at))::float8,
    array_agg(EXTRACT(EPOCH FROM closed_at - accepted_at)::float8 * 1000)
FROM orders WHERE client_order_id LIKE %(prefix)s
"""


def prepare(servers: RunningServers) -> None:
    """Make the tables, the contracts and the accounts."""
    engine = _engine(servers)
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(_CONTRACTS)
        connection.exec_driver_sql(
            f"INSERT INTO users (name, cash) SELECT 'u' || n, {CASH} FROM generate_series(1, {_ACCOUNTS}) n"
        )
    engine.dispose()


def measure(servers: RunningServers, load: Load, warm_up: Load, prefix: str) -> Measured:
    """Start the processes, send a load to them, and stop them."""
    engine = _engine(servers)
    with _processes(servers) as pids:
        _send(engine, _streams(warm_up, f"warm-{prefix}"))
        roots = [*pids, *servers.pids().values()]
        before = cpu_seconds(roots)
        _send(engine, _streams(load, prefix))
        cpu = between(before, cpu_seconds(roots))
    with engine.connect() as connection:
        seconds, latencies = connection.exec_driver_sql(_TIMES, {"prefix": f"{prefix}-%"}).one()
    engine.dispose()
    return measured(seconds, cpu, orders=len(latencies), latencies_ms=latencies)


def _engine(servers: RunningServers) -> Engine:
    return make_engine(servers.urls.database_url, pool_size=1, max_pool_size=1)


def _streams(load: Load, prefix: str) -> Streams:
    """Write the requests of a load as the naive backend takes them."""

    def written(request: Request) -> bytes:
        bodies = [order | {"user_id": request.account + 1} for order in request.orders]
        if load.batch == 1:
            return post(f"{_URL}/orders", bodies[0])
        return post(f"{_URL}/orders/batch", bodies)

    return [
        [written(request) for request in requests]
        for requests in load.requests(prefix, _ACCOUNTS, _SYMBOLS)
    ]


def _send(engine: Engine, streams: Streams) -> None:
    send_all(_URL, streams)

    def is_filled() -> bool:
        with engine.connect() as connection:
            waiting = connection.exec_driver_sql(
                "SELECT 1 FROM orders WHERE status = 'received' AND NOT held LIMIT 1"
            )
            return waiting.first() is None

    wait_until(is_filled, 600, "the naive backend")


@contextmanager
def _processes(servers: RunningServers) -> Iterator[list[int]]:
    environ = {
        **os.environ,
        "NAIVE_DATABASE_URL": servers.urls.database_url,
        "NAIVE_BROKER_URL": servers.urls.broker_url,
    }
    worker = "celery -A benchmarks.naive.work worker -c 2 -l warning"
    web = f"uvicorn benchmarks.naive.web:app --port {_PORT} --log-level warning"
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", *command.split()], env=environ, stdout=subprocess.DEVNULL
        )
        for command in (worker, web)
    ]
    try:
        wait_until(lambda: answers(f"{_URL}/docs"), 120, "the naive web server")
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)
