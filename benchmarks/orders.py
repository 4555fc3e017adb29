"""Orders end to end over HTTP: throughput beside the naive backend, latency when idle, memory.

``python -m benchmarks.orders [--orders N] [--json FILE]``.  Everything runs on this machine: the
servers, every process of the system, and the clients.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers import RunningServers, start_servers
from benchmarks.load import Share, submit_all, submit_each, wait_until
from benchmarks.machine import described, write
from benchmarks.system import CASH, System, answers, running_system, submit_one, temporary_home

_ACCOUNTS = 8


def main() -> None:
    """Measure and print."""
    options = _options()
    result: dict[str, object] = {"machine": described()}
    with (
        temporary_home() as home,
        start_servers(home / "naive", database_url=None, redis_url=None) as servers,
    ):
        result["naive"] = naive(servers, options.naive_orders)
    with temporary_home() as home, running_system(home) as running:
        result["idle_latency_ms"] = idle_latency(running, options.singles)
        result["angel_x"] = throughput(running, options.orders, options.batch)
    rate, naive_rate = (_rate(result[name]) for name in ("angel_x", "naive"))
    result["ratio"] = round(rate / naive_rate, 1)
    print(json.dumps(result, indent=2))
    write(options.json, result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--naive-orders", type=int, default=1_000)
    parser.add_argument("--singles", type=int, default=200)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def naive(servers: RunningServers, orders: int) -> dict[str, object]:
    """Run the naive backend alone on the machine: nothing else competes with it."""
    engine = make_engine(servers.urls.database_url, pool_size=1, max_pool_size=1)
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO contracts SELECT 'NIFTY_C' || n, 'NIFTY', '2030-01-01', n, 'CE', 65, 0.05, 1800, "
            "'2030-01-01' FROM generate_series(1, 16) n"
        )
        connection.exec_driver_sql(
            f"INSERT INTO users (name, cash) SELECT 'u' || n, {CASH} FROM generate_series(1, {_ACCOUNTS}) n"
        )
    bodies = [
        json.dumps(
            {
                "user_id": n % _ACCOUNTS + 1,
                "client_order_id": f"n{n}",
                "symbol": f"NIFTY_C{n // 2 % 16 + 1}",
                "side": ("BUY", "SELL")[n % 2],
                "quantity": 65,
            }
        )
        for n in range(orders)
    ]
    with _naive_processes(servers) as url:
        submit_each(url, bodies, connections=8)

        def filled() -> bool:
            with engine.connect() as connection:
                open_ = connection.exec_driver_sql(
                    "SELECT count(*) FROM orders WHERE status <> 'filled'"
                )
                return bool(open_.scalar_one() == 0)

        wait_until(filled, 300, "the naive backend")
    with engine.connect() as connection:
        seconds = connection.exec_driver_sql(
            "SELECT EXTRACT(EPOCH FROM max(closed_at) - min(accepted_at))::float8 FROM orders"
        ).scalar_one()
    engine.dispose()
    return {
        "orders": orders,
        "seconds": round(seconds, 3),
        "orders_per_second": round(orders / seconds, 1),
    }


@contextmanager
def _naive_processes(servers: RunningServers) -> Iterator[str]:
    port = 18_321
    environ = {
        **os.environ,
        "NAIVE_DATABASE_URL": servers.urls.database_url,
        "NAIVE_BROKER_URL": servers.urls.broker_url,
    }
    commands = (
        ["-m", "celery", "-A", "benchmarks.naive.work", "worker", "-c", "2", "-l", "warning"],
        [
            "-m",
            "uvicorn",
            "benchmarks.naive.web:app",
            "--port",
            str(port),
            "--log-level",
            "warning",
        ],
    )
    processes = [
        subprocess.Popen([sys.executable, *command], env=environ, stdout=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{url}/docs"), 60, "the naive web server")
        time.sleep(3)
        yield f"{url}/orders"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def idle_latency(system: System, orders: int) -> dict[str, float]:
    """Submit one order at a time to an idle system; milliseconds from accepted to filled."""
    key, symbols = system.account("idle"), system.symbols()
    for n in range(orders):
        submit_one(system, key, f"idle{n}", symbols[n // 2 % len(symbols)], ("BUY", "SELL")[n % 2])
        wait_until(lambda: not system.waiting(), 10, "one order")
    rows = system.query(
        "SELECT EXTRACT(EPOCH FROM closed_at - accepted_at)::float8 * 1000 FROM orders "
        "WHERE client_order_id LIKE 'idle%' AND status = 'filled' ORDER BY id OFFSET 20"
    )
    values = [float(str(ms)) for (ms,) in rows]
    return {
        "orders": len(values),
        "p50": round(median(values), 2),
        "p99": round(quantiles(values, n=100)[98], 2),
    }


def throughput(system: System, orders: int, batch: int) -> dict[str, object]:
    """Submit from two client processes; orders a second from the first accepted to the last closed."""
    symbols = system.symbols()
    keys = [system.account(f"load{n}") for n in range(_ACCOUNTS)]
    before = system.resident_mb()
    each = orders // _ACCOUNTS
    shares = [
        Share(system.url, key, f"load{n}", symbols, each, batch) for n, key in enumerate(keys)
    ]
    submitting = submit_all(shares, processes=2)
    wait_until(lambda: not system.waiting(), 300, "the backlog")
    ((count, seconds, denied),) = system.query(
        "SELECT count(*), EXTRACT(EPOCH FROM max(closed_at) - min(accepted_at))::float8, "
        "count(*) FILTER (WHERE status <> 'filled') FROM orders WHERE client_order_id LIKE 'load%'"
    )
    taken = float(str(seconds))
    return {
        "orders": count,
        "not_filled": denied,
        "submitting_seconds": round(submitting, 3),
        "seconds": round(taken, 3),
        "orders_per_second": round(int(str(count)) / taken, 1),
        "resident_mb_before": before,
        "resident_mb_after": system.resident_mb(),
    }


def _rate(result: object) -> float:
    assert isinstance(result, dict)
    return float(result["orders_per_second"])


if __name__ == "__main__":
    main()
